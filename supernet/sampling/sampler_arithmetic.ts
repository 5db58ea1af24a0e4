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

/** What a step starts from; `sample` is what the model sees of it. */
export interface StepState extends SamplerState<PlacedTensor> {
  readonly sample: PlacedTensor;
}

/** What one step's graph depends on. */
interface StepShape {
  readonly latents: readonly number[];
  /** Of the model's output. */
  readonly output: readonly number[];
  readonly guided: boolean;
  /** Whether the next call sees the latents once a half. */
  readonly doubled: boolean;
  /** Of the scale of guidance: `[1]`, or `[B, 1, 1, 1]` where pictures have one each. */
  readonly scale: readonly number[];
  readonly factors: readonly string[];
}

const next = (name: string): string => `next.${name}`;
const factorName = (name: string): string => `factor.${name}`;
const scalar = (value: number): Tensor => float32([1], [value]);

const stepOperation = (shape: StepShape): Operation =>
  operation("step", shape, (g) => {
    const { latents, guided, doubled } = shape;
    const input = (name: string, own: readonly number[] = latents) =>
      g.input(name, "float32", own);
    const factor = (name: string) => input(factorName(name), [1]);
    const prediction = guidedPrediction(g, input("output", shape.output), {
      channels: latents[1],
      scale: guided ? input(factorName("guidance"), shape.scale) : undefined,
    });
    const known = new Map([["prediction", prediction]]);
    const value = (name: string) => {
      const own = known.get(name) ?? input(name);
      known.set(name, own);
      return own;
    };
    const factors = shape.factors.map((name) => [name, factor(name)]);
    const after = nextLatents(g, Object.fromEntries(factors), value);
    const seen = { factor: factor("sample"), guided: doubled };
    return {
      prediction,
      [next("latents")]: after,
      [next("sample")]: modelInput(g, after, seen),
    };
  });

/** The model's input of the first latents. */
const startOperation = (shape: readonly number[], guided: boolean): Operation =>
  operation("start", [shape, guided], (g) => ({
    sample: modelInput(g, g.input("latents", "float32", shape), {
      factor: g.input(factorName("sample"), "float32", [1]),
      guided,
    }),
  }));

/** A sampler's arithmetic for pictures of a SuperNet, in one workspace. */
export class SamplerArithmetic {
  readonly #sampler: Sampler;
  readonly #guided: boolean;
  readonly #halves?: readonly Halves[];
  /** `[1]`, or `[B, 1, 1, 1]` where pictures have a scale each. */
  readonly #scale: Tensor;
  readonly #latents: readonly number[];
  readonly #output: readonly number[];

  /** @throws {TypeError} If the sampler thresholds, which no SubNet does. */
  constructor(
    { model, blocks }: SuperNet,
    { sampler, guidanceScale, guidanceScales, halves }:
      & Pick<SamplingInputs, "sampler" | "guidanceScale" | "guidanceScales">
      & {
        /** What the model sees at each step; all that it has by default. */
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
    this.#output = blocks[blocks.length - 1].graph.outputs[0].shape;
  }

  /** The state before step 0, from standard normal noise. */
  start({ shape, data }: Tensor<"float32">): Promise<StepState> {
    const { latents } = startState(this.#sampler, data);
    return this.from({ latents: float32(shape, latents), past: [] }, 0);
  }

  /** The state before step t, of its latents. */
  async from(
    state: SamplerState<PlacedTensor>,
    t: number,
  ): Promise<StepState> {
    const what = startOperation(this.#latents, this.#doubled(t));
    const { sample } = await this.workspace.compute(what, {
      latents: state.latents,
      [factorName("sample")]: scalar(this.#sampler.steps[t].inputScale),
    }, { wrt: ["latents"] });
    return { ...state, sample };
  }

  /**
   * The state after step t.
   *
   * @param output Of the whole step: the model's, before guidance.
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
    const { shape, feeds } = this.#step(t, state, output);
    const made = await this.workspace.compute(stepOperation(shape), {
      ...feeds,
      ...noise && { noise: float32(this.#latents, noise) },
    }, { wrt: ["output", ...Object.keys(stateValues(state))] });
    const { prediction } = made;
    const after = stateAfter(this.#sampler, {
      state: { latents: state.latents, past: state.past },
      prediction,
      next: made[next("latents")],
    });
    return { state: { ...after, sample: made[next("sample")] }, prediction };
  }

  /** Whether the model sees latents twice at step t. */
  #doubled(t: number): boolean {
    return this.#guided && halvesAt(this.#halves, t) === "both";
  }

  /** The shape of step t, and what it reads of its state. */
  #step(
    t: number,
    state: StepState,
    output: PlacedTensor,
  ): { shape: StepShape; feeds: Feeds } {
    const { steps } = this.#sampler;
    const values = stateValues(state);
    const { noise, ...own } = stepFactors(steps[t]);
    const zeros = ["prediction", ...Object.keys(values)].map((
      name,
    ) => [name, 0]);
    const factors: Record<string, number> = {
      ...Object.fromEntries(zeros),
      ...own,
      ...noise !== 0 && { noise },
    };
    const numbers = {
      ...factors,
      sample: steps[t + 1]?.inputScale ?? 1,
    };
    return {
      shape: {
        latents: this.#latents,
        output: this.#output,
        guided: this.#guided,
        doubled: this.#doubled(t + 1),
        scale: this.#scale.shape,
        factors: Object.keys(factors),
      },
      feeds: {
        ...values,
        output,
        ...this.#guided && { [factorName("guidance")]: this.#scale },
        ...Object.fromEntries(
          Object.entries(numbers).map(([name, x]) => [
            factorName(name),
            scalar(x),
          ]),
        ),
      },
    };
  }
}
