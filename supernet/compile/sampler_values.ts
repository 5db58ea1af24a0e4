/**
 * What a sampler carries from step to step, as values of a graph: latents and
 * predictions of the last steps, computed predictions, and
 * what units hold. Each is made when it is first read: a graph that starts in
 * the middle of the sampler reads as inputs exactly what it needs of the steps
 * before it.
 */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";
import { stateNames } from "../arithmetic/step_nodes.ts";
import { type Lazy, lazy } from "../arithmetic/terms.ts";
import type { Halves } from "../gates/halves.ts";
import { longestHistory } from "../gates/payloads.ts";

/** What the inputs' names begin with. */
export const statePrefix = "state.";

/** Latents and prediction of one step, each `[B, C, H, W]`. */
export interface PastValues {
  readonly latents: Lazy;
  readonly prediction: Lazy;
}

/** A step as it was made. */
export interface MadeStep extends PastValues {
  /** Latents after it. */
  readonly next: Lazy;
  /** The model's output, where it was computed; where for the conditional half alone, filled in. */
  readonly computed?: Lazy;
  readonly halves: Halves;
  /** What is held from now on. */
  readonly held: Iterable<readonly [HeldAt, Value]>;
}

/** What lies before a step. */
export interface StepsBefore {
  readonly steps: number;
  /** How many of them compute their prediction. */
  readonly predictions: number;
  /** And how many both halves of it. */
  readonly both: number;
  /** What they leave held. */
  readonly held: readonly HeldAt[];
}

/** What is held, of which step. */
export interface HeldAt {
  readonly value: Value;
  readonly step: number;
}

const heldKey = ({ value: { name }, step }: HeldAt): string =>
  `${name}.${step}`;

/** The state before a step, and how many steps and computed predictions it remembers. */
export class SamplerValues {
  latents: Lazy;
  past: readonly PastValues[];
  /** The last outputs that were computed, newest first. */
  history: readonly Lazy[];
  /** Those of both halves. */
  both: readonly Lazy[];
  readonly #held: Map<string, Lazy>;
  readonly #memory: number;

  private constructor(
    state: Pick<SamplerValues, "latents" | "past" | "history" | "both"> & {
      held: Map<string, Lazy>;
      memory: number;
    },
  ) {
    this.latents = state.latents;
    this.past = state.past;
    this.history = state.history;
    this.both = state.both;
    this.#held = state.held;
    this.#memory = state.memory;
  }

  /** The state before step 0. @param memory The sampler's. */
  static start(latents: Lazy, { memory }: { memory: number }): SamplerValues {
    const held = new Map<string, Lazy>();
    const none = { past: [], history: [], both: [] };
    return new SamplerValues({ latents, ...none, held, memory });
  }

  /** The state before a later step, as inputs of the graph. */
  static inputs(
    g: GraphBuilder,
    { latents: shape, output }: {
      readonly latents: readonly number[];
      /** Of the model's output. */
      readonly output: readonly number[];
    },
    { memory, steps, predictions, both, held }: StepsBefore & {
      memory: number;
    },
  ): SamplerValues {
    const input = (name: string, own: readonly number[] = shape): Lazy =>
      lazy(() => g.input(`${statePrefix}${name}`, "float32", own));
    const numbers = (n: number) => [...Array(n).keys()];
    const outputs = (name: string, computed: number) =>
      numbers(Math.min(computed, longestHistory))
        .map((k) => input(`${name}.${k}`, output));
    return new SamplerValues({
      latents: input("latents"),
      past: numbers(Math.min(steps, memory)).map((k) => ({
        latents: input(stateNames(k + 1).latents),
        prediction: input(stateNames(k + 1).prediction),
      })),
      history: outputs("history", predictions),
      both: outputs("both", both),
      held: new Map(
        held.map((at) => [
          heldKey(at),
          input(`held.${heldKey(at)}`, at.value.shape),
        ]),
      ),
      memory,
    });
  }

  /** What is held. */
  held(at: HeldAt): Value {
    return this.#held.get(heldKey(at))!();
  }

  /** Goes on after a step. */
  advance(
    { latents, prediction, next, computed, halves, held }: MadeStep,
  ): void {
    this.past = [{ latents, prediction }, ...this.past].slice(0, this.#memory);
    if (computed) {
      const after = (before: readonly Lazy[]) =>
        [computed, ...before].slice(0, longestHistory);
      this.history = after(this.history);
      if (halves === "both") this.both = after(this.both);
    }
    for (const [at, value] of held) this.#held.set(heldKey(at), () => value);
    this.latents = next;
  }

  /** Everything by the name that {@linkcode SamplerValues.inputs} gives it, without {@linkcode statePrefix}. */
  named(): Map<string, Lazy> {
    const outputs = (name: string, values: readonly Lazy[]) =>
      values.map((value, k): [string, Lazy] => [`${name}.${k}`, value]);
    return new Map([
      ["latents", this.latents],
      ...this.past.flatMap(({ latents, prediction }, k): [string, Lazy][] => [
        [stateNames(k + 1).latents, latents],
        [stateNames(k + 1).prediction, prediction],
      ]),
      ...outputs("history", this.history),
      ...outputs("both", this.both),
      ...[...this.#held].map(([name, value]): [string, Lazy] => [
        `held.${name}`,
        value,
      ]),
    ]);
  }
}
