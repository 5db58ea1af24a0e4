/**
 * Everything between two calls of the model as one operation: guidance, the
 * sampler's step, the model's next input. A step's numbers are inputs, so that
 * all steps share a session.
 */
import {
  isGuided,
  latentsShape,
  type SamplingInputs,
} from "@dip-go/core/pipeline";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import {
  refuseThresholding,
  type Sampler,
  type SamplerState,
  startState,
  stateAfter,
} from "@dip-go/core/samplers";
import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  guidedPrediction,
  modelInput,
  nextLatents,
  stateValues,
  stepFactors,
} from "../arithmetic/step_nodes.ts";
import { type Halves, halvesAt } from "../gates/halves.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { type Operation, operation } from "../workspace/operations.ts";
import type { Computes } from "../workspace/workspace.ts";

/** The state before a step; `sample` is the model's input. */
export interface StepState extends SamplerState<PlacedTensor> {
  readonly sample: PlacedTensor;
}

const factorPrefix = "factor.";
const scalar = (value: number): Tensor => float32([1], [value]);

/** The operation of a step. @param doubled Whether the next model input has the latents once a half. */
const stepOperation = (values: Feeds, doubled: boolean): Operation =>
  operation("step", values, (g, input) => {
    const { guidance, sample, ...step } = Object.fromEntries(
      Object.keys(values).filter((name) => name.startsWith(factorPrefix))
        .map((name) => [name.slice(factorPrefix.length), input(name)]),
    );
    const prediction = guidedPrediction(g, input("output"), {
      channels: values.latents.shape[1],
      scale: guidance,
    });
    const next = nextLatents(
      g,
      step,
      (name) => name === "prediction" ? prediction : input(name),
    );
    const seen = modelInput(g, next, { factor: sample, guided: doubled });
    return { prediction, next, sample: seen };
  }, doubled);

/** A sampler's arithmetic for pictures of a SuperNet, in one workspace. */
export class SamplerArithmetic {
  readonly #sampler: Sampler;
  readonly #guided: boolean;
  readonly #halves?: readonly Halves[];
  /** The guidance scale: `[1]`, or `[B, 1, 1, 1]` if each picture has its own. */
  readonly #scale: Tensor;
  readonly #latents: readonly number[];

  /** @throws {TypeError} If the sampler thresholds, which no SubNet does. */
  constructor(
    { model }: SuperNet,
    { sampler, guidanceScale, guidanceScales, halves }:
      & Pick<SamplingInputs, "sampler" | "guidanceScale" | "guidanceScales">
      & {
        /** The halves that the model evaluates at each step; both by default. */
        readonly halves?: readonly Halves[];
      },
    private readonly workspace: Computes,
  ) {
    refuseThresholding(sampler, "sample a SubNet with");
    this.#sampler = sampler;
    this.#guided = isGuided(guidanceScale);
    this.#halves = halves;
    this.#scale = guidanceScales
      ? float32(
        [guidanceScales.length, 1, 1, 1],
        guidanceScales.map((scale) => Math.max(scale, 1)),
      )
      : scalar(guidanceScale);
    this.#latents = latentsShape(model, guidanceScale);
  }

  /** The state before step 0, from standard normal noise. */
  start({ shape, data }: Tensor<"float32">): Promise<StepState> {
    const { latents } = startState(this.#sampler, data);
    return this.from({ latents: float32(shape, latents), past: [] }, 0);
  }

  /** The state before step t, with the model's input made from its latents. */
  async from(
    state: SamplerState<PlacedTensor>,
    t: number,
  ): Promise<StepState> {
    const guided = this.#doubled(t);
    const values = {
      latents: state.latents,
      factor: scalar(this.#sampler.steps[t].inputScale),
    };
    const what = operation("start", values, (g, input) => ({
      sample: modelInput(g, input("latents"), {
        factor: input("factor"),
        guided,
      }),
    }), guided);
    const { sample } = await this.workspace.compute(what, { wrt: ["latents"] });
    return { ...state, sample };
  }

  /**
   * The state after step t.
   *
   * @param output The whole step's output: the model's, before guidance.
   * @throws {TypeError} If the step adds noise and none is given.
   */
  async next(
    t: number,
    { state, output, noise }: {
      readonly state: StepState;
      readonly output: PlacedTensor;
      readonly noise?: Float32Array;
    },
  ): Promise<{ state: StepState; prediction: PlacedTensor }> {
    if (this.#sampler.steps[t].noise !== 0 && !noise) {
      throw new TypeError(
        `Cannot step ${this.#sampler.name}: step ${t} adds noise and none is given`,
      );
    }
    const known = stateValues(state);
    const values = {
      ...known,
      output,
      ...noise && { noise: float32(this.#latents, noise) },
      ...this.#factors(t, Object.keys(known)),
    };
    const what = stepOperation(values, this.#doubled(t + 1));
    const wrt = ["output", ...Object.keys(known)];
    const made = await this.workspace.compute(what, { wrt });
    const { prediction, next, sample } = made;
    const after = stateAfter(this.#sampler, { state, prediction, next });
    return { state: { ...after, sample }, prediction };
  }

  /** Whether the model's input has the latents twice at step t. */
  #doubled(t: number): boolean {
    return this.#guided && halvesAt(this.#halves, t) === "both";
  }

  /** The factors of step t. @param known Names of its state's values, each of which has a factor. */
  #factors(t: number, known: readonly string[]): Record<string, Tensor> {
    const { steps } = this.#sampler;
    const { noise, ...own } = stepFactors(steps[t]);
    const numbers: Record<string, number> = {
      ...Object.fromEntries(["prediction", ...known].map((name) => [name, 0])),
      ...own,
      ...noise !== 0 && { noise },
      sample: steps[t + 1]?.inputScale ?? 1,
    };
    const factors = Object.entries(numbers).map(([name, x]) =>
      [name, scalar(x)] as const
    );
    return Object.fromEntries(
      [...factors, ...this.#guided ? [["guidance", this.#scale] as const] : []]
        .map(([name, x]) => [`${factorPrefix}${name}`, x]),
    );
  }
}
