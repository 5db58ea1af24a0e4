/**
 * What a sampler carries from step to step, as values of a graph: latents and
 * predictions of the last steps, computed predictions for the forecast, and
 * what units hold. Each is made when it is first read: a graph that starts in
 * the middle of the sampler reads as inputs exactly what it needs of the steps
 * before it.
 */
import type { GraphBuilder } from "../../core/onnx/builder.ts";
import type { Value } from "../../core/onnx/graph.ts";
import { historyLength } from "../forecast.ts";
import type { SuperNet } from "../super_net.ts";

/** What the inputs' names begin with. */
export const statePrefix = "state.";

/** A value made when it is first read. */
export type Lazy = () => Value;

/** Makes the value once. */
export function lazy(make: Lazy): Lazy {
  let value: Value | undefined;
  return () => value ??= make();
}

/** Latents and prediction of one step, each `[B, C, H, W]`. */
export interface PastValues {
  readonly latents: Lazy;
  readonly prediction: Lazy;
}

/** A step as it was made. */
export interface MadeStep extends PastValues {
  /** Latents after it. */
  readonly next: Lazy;
  /** Whether the prediction was computed, not held. */
  readonly computed: boolean;
  /** What units hold from now on, by the tensor it belongs to. */
  readonly held: Iterable<readonly [string, Value]>;
}

/** The state before a step, and how many steps and computed predictions it remembers. */
export class SamplerValues {
  latents: Lazy;
  past: readonly PastValues[];
  /** The last computed predictions, latest first. */
  history: readonly Lazy[];
  readonly #held: Map<string, Lazy>;
  readonly #memory: number;

  private constructor(
    state: Pick<SamplerValues, "latents" | "past" | "history"> & {
      held: Map<string, Lazy>;
      memory: number;
    },
  ) {
    this.latents = state.latents;
    this.past = state.past;
    this.history = state.history;
    this.#held = state.held;
    this.#memory = state.memory;
  }

  /** The state before step 0. @param memory The sampler's. */
  static start(latents: Lazy, { memory }: { memory: number }): SamplerValues {
    const held = new Map<string, Lazy>();
    return new SamplerValues({ latents, past: [], history: [], held, memory });
  }

  /**
   * The state before a later step, as inputs of the graph.
   *
   * @param available How many steps and computed predictions lie before it.
   */
  static inputs(
    g: GraphBuilder,
    { model, blocks }: SuperNet,
    { memory, steps, predictions }: {
      memory: number;
      steps: number;
      predictions: number;
    },
  ): SamplerValues {
    const [batch, ...rest] = model.inputs[0].shape;
    const shape = [batch / 2, ...rest];
    const input = (name: string, own: readonly number[] = shape): Lazy =>
      lazy(() => g.input(`${statePrefix}${name}`, "float32", own));
    const numbers = (n: number) => [...Array(n).keys()];
    const gated = blocks.filter(({ block }) => block.gated);
    return new SamplerValues({
      latents: input("latents"),
      past: numbers(Math.min(steps, memory)).map((k) => ({
        latents: input(`past.${k}.latents`),
        prediction: input(`past.${k}.prediction`),
      })),
      history: numbers(Math.min(predictions, historyLength))
        .map((k) => input(`history.${k}`)),
      held: new Map(
        gated.flatMap(({ block, graph }) =>
          block.outputs.map((tensor, i): [string, Lazy] => [
            tensor,
            input(`held.${tensor}`, graph.outputs[i].shape),
          ])
        ),
      ),
      memory,
    });
  }

  /** What the unit holds that makes this tensor. */
  held(tensor: string): Value {
    return this.#held.get(tensor)!();
  }

  /** Goes on after a step. */
  advance({ latents, prediction, next, computed, held }: MadeStep): void {
    this.past = [{ latents, prediction }, ...this.past].slice(0, this.#memory);
    if (computed) {
      this.history = [prediction, ...this.history].slice(0, historyLength);
    }
    for (const [tensor, value] of held) this.#held.set(tensor, () => value);
    this.latents = next;
  }

  /** Everything by the name that {@linkcode SamplerValues.inputs} gives it, without {@linkcode statePrefix}. */
  named(): Map<string, Lazy> {
    return new Map([
      ["latents", this.latents],
      ...this.past.flatMap(({ latents, prediction }, k): [string, Lazy][] => [
        [`past.${k}.latents`, latents],
        [`past.${k}.prediction`, prediction],
      ]),
      ...this.history.map((
        value,
        k,
      ): [string, Lazy] => [`history.${k}`, value]),
      ...[...this.#held].map(([tensor, value]): [string, Lazy] => [
        `held.${tensor}`,
        value,
      ]),
    ]);
  }
}
