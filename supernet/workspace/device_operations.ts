/**
 * What a {@linkcode DeviceWorkspace} computes, as small graphs: in float32,
 * whatever the model computes in. The sampler's arithmetic is the SubNet
 * compiler's, and its VJP that graph's.
 */
import { vjpGraph } from "@dip-go/core/autodiff";
import {
  type Graph,
  GraphBuilder,
  type Value,
  withoutUnread,
} from "@dip-go/core/onnx";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { isGuided } from "@dip-go/core/pipeline";
import type { PastStep, SamplerStep } from "@dip-go/core/samplers";
import { guided, nextLatents } from "../compile/sampler_arithmetic.ts";
import { lazy } from "../compile/sampler_values.ts";

/** Name of an operation's output. */
export const result = "result";

/** A graph, and what it is known by among all operations. */
export interface Operation {
  readonly key: string;
  readonly graph: () => Graph;
  /** Whether its outputs come to the host. False by default. */
  readonly leaves?: boolean;
}

const operation = (
  name: string,
  parameters: readonly unknown[],
  emit: (g: GraphBuilder) => Value,
): Operation => ({
  key: JSON.stringify([name, ...parameters]),
  graph() {
    const g = new GraphBuilder(name);
    return g.build({ [result]: emit(g) });
  },
});

/** The gradients of an operation's inputs, of all but `noise` by default. */
export const vjpOf = (
  { key, graph }: Operation,
  inputs?: readonly string[],
): Operation => ({
  key: `${key}:vjp`,
  graph() {
    const forward = graph();
    const names = forward.inputs.map(({ name }) => name);
    const wrt = inputs ?? names.filter((name) => name !== "noise");
    return withoutUnread(vjpGraph(forward, { wrt }));
  },
});

const input = (g: GraphBuilder, name: string, shape: readonly number[]) =>
  g.input(name, "float32", shape);

/** Σ factor.k · x.k over terms of one shape; a factor is `[1]`, or one number a channel. */
export const combined = (
  factors: readonly (readonly number[])[],
  shape: readonly number[],
): Operation =>
  operation(
    "combined",
    [factors, shape],
    (g) =>
      factors.map((own, k) =>
        g.mul(input(g, `x.${k}`, shape), input(g, `factor.${k}`, own))
      ).reduce((sum, part) => g.add(sum, part)),
  );

/** Σ d (a − b), or Σ d a, over all axes but the first. */
export const rowProducts = (
  shape: readonly number[],
  { minus }: { readonly minus: boolean },
): Operation =>
  operation("rowProducts", [shape, minus], (g) => {
    const [d, a] = ["d", "a"].map((name) => input(g, name, shape));
    const of = minus ? g.sub(a, input(g, "b", shape)) : a;
    const axes = shape.map((_, i) => i).slice(1);
    return g.reduceSum(g.mul(d, of), { axes, keepDims: false });
  });

/** x, from the host to the device. */
export const sent = (shape: readonly number[]): Operation =>
  operation("sent", [shape], (g) => g.identity(input(g, "x", shape)));

/** x, to the host. */
export const copied = (shape: readonly number[]): Operation => ({
  ...operation("copied", [shape], (g) => g.identity(input(g, "x", shape))),
  leaves: true,
});

/** `factor` `[1]` times `latents` of that shape, once for each half of guidance. */
export const inHalves = (
  shape: readonly number[],
  scale: number,
): Operation => {
  const guided = isGuided(scale);
  return operation("inHalves", [shape, guided], (g) => {
    const x = g.mul(input(g, "latents", shape), input(g, "factor", [1]));
    return guided ? g.concat([x, x], { axis: 0 }) : x;
  });
};

/** A `prediction` of that shape, of the network's batch, guided. */
export const guidance = (
  shape: readonly number[],
  options: { channels: number; scale: number },
): Operation =>
  operation(
    "guidance",
    [shape, options],
    (g) => guided(g, input(g, "prediction", shape), options),
  );

/** What {@linkcode samplerStep} calls latents and predictions: its own are those of k = 0, then come those of the steps before it. */
export const stepName = (key: keyof PastStep, k: number): string =>
  `${key}.${k}`;

/** The latents after a sampler's step, of latents, predictions and `noise` of that shape; what the step does not read is no input. */
export const samplerStep = (
  step: SamplerStep,
  { shape, before }: { shape: readonly number[]; before: number },
): Operation =>
  operation("samplerStep", [step, shape, before], (g) => {
    const value = (name: string) => lazy(() => input(g, name, shape));
    const [own, ...past] = Array.from({ length: 1 + before }, (_, k) => ({
      latents: value(stepName("latents", k)),
      prediction: value(stepName("prediction", k)),
    }));
    return nextLatents(g, step, {
      state: { latents: own.latents, past },
      prediction: own.prediction,
      noise: value("noise"),
    })();
  });

/** Sessions of operations, each opened when it is first needed. */
export class OperationSessions implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<Session>>();
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    this.#options = { ...options, precision: "float32" };
  }

  of({ key, graph, leaves }: Operation): Promise<Session> {
    const known = this.#opened.get(key);
    if (known) return known;
    const own = graph();
    const kept = leaves ? [] : own.outputs.map(({ name }) => name);
    const opened = openSession(own, { ...this.#options, kept });
    this.#opened.set(key, opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opened.values())) {
      if (opened.status === "fulfilled") await opened.value.close();
    }
  }
}
