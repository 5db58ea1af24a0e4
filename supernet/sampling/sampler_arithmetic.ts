/**
 * Everything between two calls of the model as one operation, and its VJP, which
 * is that graph's: guidance, the sampler's step, the model's next input. A step's
 * numbers are inputs, so that all steps share a session.
 */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import type { Value } from "@dip-go/core/onnx";
import {
  isGuided,
  latentsShape,
  type SamplingInputs,
} from "@dip-go/core/pipeline";
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import {
  type PastStep,
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
  stateNames,
  stepFactors,
} from "../arithmetic/step_nodes.ts";
import { lazy } from "../arithmetic/terms.ts";
import { type Halves, halvesAt } from "../gates/halves.ts";
import type { SuperNet } from "../gates/super_net.ts";
import { type Operation, operation, vjpOf } from "../workspace/operations.ts";
import { sharedZeros } from "../workspace/tensor_pool.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** What a step starts from; `sample` is what the model sees of it. */
export interface StepState extends SamplerState<PlacedTensor> {
  readonly sample: PlacedTensor;
}

/** Cotangents of a {@linkcode StepState}; a missing one is zero. */
export interface StateCotangent {
  readonly latents?: PlacedTensor;
  readonly sample?: PlacedTensor;
  readonly past: readonly Partial<PastStep<PlacedTensor>>[];
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
  /** Steps before it that its state remembers, and the most of them. */
  readonly past: number;
  readonly memory: number;
  readonly factors: readonly string[];
}

const next = (name: string): string => `next.${name}`;
const factorName = (name: string): string => `factor.${name}`;
const scalar = (value: number): Tensor => float32([1], [value]);

/** The step. @param whole Whether what the next state remembers is returned too, for a VJP that passes it on. */
const stepOperation = (shape: StepShape, whole: boolean): Operation =>
  operation("step", [shape, whole], (g) => {
    const { latents, guided, doubled, past, memory } = shape;
    const input = (name: string, own: readonly number[] = latents) =>
      g.input(name, "float32", own);
    const factor = (name: string) => input(factorName(name), [1]);
    const prediction = guidedPrediction(g, input("output", shape.output), {
      channels: latents[1],
      scale: guided ? input(factorName("guidance"), shape.scale) : undefined,
    });
    const known = new Map<string, () => Value>([[
      "prediction",
      () => prediction,
    ]]);
    const value = (name: string) => {
      const own = known.get(name) ?? lazy(() => input(name));
      known.set(name, own);
      return own();
    };
    const factors = shape.factors.map((name) => [name, factor(name)]);
    const after = nextLatents(g, Object.fromEntries(factors), value);
    const remembered = Array.from(
      { length: whole ? Math.min(past + 1, memory) : 0 },
      (_, k) => [stateNames(k), stateNames(k + 1)] as const,
    ).flatMap(([from, to]) => [
      [next(to.latents), value(from.latents)],
      [next(to.prediction), value(from.prediction)],
    ]);
    return {
      [next("latents")]: after,
      [next("sample")]: modelInput(g, after, {
        factor: factor("sample"),
        guided: doubled,
      }),
      ...whole ? Object.fromEntries(remembered) : { prediction },
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

/** Latents and predictions of a state by the names that operations have for them. */
const named = (
  { latents, past }: { latents?: PlacedTensor; past: StateCotangent["past"] },
): [string, PlacedTensor | undefined][] => [
  ["latents", latents],
  ...past.flatMap((step, k): [string, PlacedTensor | undefined][] => {
    const { latents, prediction } = stateNames(k + 1);
    return [[latents, step.latents], [prediction, step.prediction]];
  }),
];

/** The names of latents and predictions of so many steps before. */
const pastNames = (steps: number): string[] =>
  Array.from({ length: steps }, (_, k) => Object.values(stateNames(k + 1)))
    .flat();

/** A sampler's arithmetic for pictures of a SuperNet, in one workspace. */
export class SamplerArithmetic {
  readonly #sampler: Sampler;
  readonly #guided: boolean;
  readonly #halves?: readonly Halves[];
  /** `[1]`, or `[B, 1, 1, 1]` where pictures have a scale each. */
  readonly #scale: Tensor;
  readonly #latents: readonly number[];
  readonly #output: readonly number[];
  readonly #zeros = sharedZeros();

  /** @throws {TypeError} If the sampler thresholds, which no SubNet does. */
  constructor(
    { model, blocks }: SuperNet,
    { sampler, guidanceScale, guidanceScales, halves }:
      & Pick<SamplingInputs, "sampler" | "guidanceScale" | "guidanceScales">
      & {
        /** What the model sees at each step; all that it has by default. */
        readonly halves?: readonly Halves[];
      },
    private readonly workspace: Workspace,
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
    });
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
    const made = await this.workspace.compute(stepOperation(shape, false), {
      ...feeds,
      ...noise && { noise: float32(this.#latents, noise) },
    });
    const { prediction } = made;
    const after = stateAfter(this.#sampler, {
      state: { latents: state.latents, past: state.past },
      prediction,
      next: made[next("latents")],
    });
    return { state: { ...after, sample: made[next("sample")] }, prediction };
  }

  /** The VJP of step t. @param after Cotangents of the state after it. */
  async back(
    t: number,
    { state, output }: {
      readonly state: StepState;
      readonly output: PlacedTensor;
    },
    after: StateCotangent,
  ): Promise<{ state: StateCotangent; output: PlacedTensor }> {
    const { shape, feeds } = this.#step(t, state, output);
    const wrt = ["output", "latents", ...pastNames(shape.past)];
    const cotangents = Object.fromEntries(named(after));
    const what = vjpOf(stepOperation(shape, true), wrt);
    const remembered = Math.min(shape.past + 1, shape.memory);
    const given = ["latents", ...pastNames(remembered)].map((name) => [
      cotangentOf(next(name)),
      cotangents[name] ?? this.#zeros(this.#latents),
    ]);
    const made = await this.workspace.compute(what, {
      ...feeds,
      ...Object.fromEntries(given),
      [cotangentOf(next("sample"))]: after.sample ??
        this.#zeros(state.sample.shape),
    });
    const of = (name: string) => made[gradientOf(name)];
    return {
      state: {
        latents: of("latents"),
        past: state.past.map((_, k) => ({
          latents: of(stateNames(k + 1).latents),
          prediction: of(stateNames(k + 1).prediction),
        })),
      },
      output: of("output"),
    };
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
    const { steps, memory } = this.#sampler;
    const values = Object.fromEntries(named(state)) as Feeds;
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
        past: state.past.length,
        memory,
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
