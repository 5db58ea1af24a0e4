/**
 * Which products of a network are in 8 bits: as many as keep the pictures as
 * near to float32's as is asked. Each product's effect on the guided prediction
 * is measured alone, at two steps of a true trajectory; those that save the most
 * for their effect come first. How many of them is found on pictures, by bisection.
 */
import { wholeGraph } from "../../models/block_graph/block_graph.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import { macsOfGraph } from "../../onnx/macs.ts";
import { copied, rewritten } from "../../onnx/rewrites/rewrite.ts";
import {
  Int8Emitter,
  productWeight,
} from "../../runtime/int8/int8_products.ts";
import { openSession } from "../../runtime/session.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import { int64, type Tensor } from "../../tensor/tensor.ts";
import type { Subject } from "../conditioner.ts";
import { guide } from "../guidance.ts";
import { PictureSampler } from "../picture_sampler.ts";
import type { PipelineSampler } from "../pipeline_sampler.ts";
import { openFullSampler } from "../sampling/full_sampler.ts";
import type { MadeStep } from "../sampling_loop.ts";

/** What a choice is made on, and for. */
export interface Int8Request {
  /** What the calibration draws, all at once; effects are measured on the first. */
  readonly subjects: readonly Subject[];
  /** Mean PSNR of the pictures to float32's, in dB; 46 by default. */
  readonly quality?: number;
  /** Of the noise; far from small seeds by default, which pictures are drawn of. */
  readonly seed?: number;
  /** Called after each product that was measured. */
  readonly progress?: (done: number, total: number) => void;
}

/** Which products are in 8 bits, and what that does to pictures. */
export interface Int8Choice {
  /** Mean PSNR to float32 on the calibration's pictures, in dB. */
  readonly psnr: number;
  /** Part of all products' MACs, products of two activations and convolutions apart. */
  readonly share: number;
  /** Names of the weights whose products are in 8 bits. */
  readonly weights: readonly string[];
}

/**
 * Chooses the products. The mean PSNR less its standard error is at least the
 * quality; no product is chosen where one alone costs more.
 *
 * @param sampler In float32.
 * @throws {RangeError} If there is no subject.
 * @throws As `openSession` and {@linkcode PictureSampler.sample}.
 *
 * @example
 * ```ts
 * import { chooseInt8, loadPipeline } from "@dip-go/core/pipeline";
 * import { assert } from "@std/assert";
 *
 * const model = "zoo/models/dit-shapes";
 * const sampler = (await loadPipeline(model)).sampler({ steps: 1 });
 * const { weights } = await chooseInt8(sampler, { subjects: [3, 5], quality: 30 });
 * assert(weights.length > 0);
 * const eight = await loadPipeline(model, { precision: "int8", int8Weights: weights });
 * const [picture] = await eight.sampler({ steps: 1 }).sample(3);
 * assert(picture.data.every(Number.isFinite));
 * ```
 */
export async function chooseInt8(
  sampler: PipelineSampler,
  { subjects, quality = 46, seed = 2 ** 20, progress }: Int8Request,
): Promise<Int8Choice> {
  if (subjects.length === 0) {
    throw new RangeError("Cannot choose 8-bit products: there is no subject");
  }
  const draw = async (own: SessionOptions) => {
    const options = { ...sampler.pipeline.sessions, ...own };
    await using drawing = new PictureSampler(
      sampler,
      (images) => openFullSampler(sampler.graph({ images }), options),
    );
    return await drawing.sample(subjects, { seed });
  };
  const exact = await draw({});
  const steps = await probed(sampler, subjects[0], seed);
  const macs = candidates(sampler);
  const ordered = await byEffect(sampler, { steps, macs, progress });
  const found = await longest(ordered.length, async (count) => {
    const int8Weights = ordered.slice(0, count);
    const drawn = await draw({ precision: "int8", int8Weights });
    const { mean, error } = meanOf(exact.map((x, i) => psnrOf(x, drawn[i])));
    return { passes: mean - error >= quality, psnr: mean };
  });
  const weights = ordered.slice(0, found.count);
  const sum = (names: readonly string[]) =>
    names.reduce((total, name) => total + macs.get(name)!, 0);
  const share = sum(weights) / sum(ordered);
  return { psnr: found.psnr, share, weights: weights.toSorted() };
}

/** Steps of one picture's trajectory: one that lays it out, and the last. */
async function probed(
  sampler: PipelineSampler,
  subject: Subject,
  seed: number,
): Promise<MadeStep[]> {
  const last = sampler.calls - 1;
  const wanted = [Math.floor(last / 3), last];
  const steps: MadeStep[] = [];
  await sampler.sample(subject, {
    seed,
    observe({ step, made }) {
      if (wanted.includes(step)) steps.push(made!);
    },
  });
  return steps;
}

/** MACs of each weight's products. Those that follow from the timestep alone are left out: compiled graphs have their results. */
function candidates(sampler: PipelineSampler): Map<string, number> {
  const graph = wholeGraph(sampler.graph());
  const costs = macsOfGraph(graph);
  const macs = new Map<string, number>();
  const drawn = drawnFrom(graph, ["timestep"]);
  for (const node of graph.nodes) {
    const weight = productWeight(graph, node);
    if (!weight || !node.inputs.some((name) => drawn.has(name))) continue;
    const own = costs.get(node.name)?.total ?? 0;
    macs.set(weight.name, (macs.get(weight.name) ?? 0) + own);
  }
  return macs;
}

/** Values that depend on other inputs than the given ones. */
function drawnFrom(
  { inputs, nodes }: Graph,
  apart: readonly string[],
): Set<string> {
  const names = inputs.map(({ name }) => name);
  const found = new Set(names.filter((name) => !apart.includes(name)));
  for (const node of nodes) {
    if (!node.inputs.some((name) => found.has(name))) continue;
    node.outputs.forEach((name) => found.add(name));
  }
  return found;
}

/** Weights, those first whose products save the most MACs for the squared error that they make. */
async function byEffect(
  sampler: PipelineSampler,
  { steps, macs, progress }: {
    steps: readonly MadeStep[];
    macs: ReadonlyMap<string, number>;
    progress: Int8Request["progress"];
  },
): Promise<string[]> {
  const { pipeline: { sessions }, guidanceScale: scale } = sampler;
  const names = [...macs.keys()];
  const graph = oneInInt8(wholeGraph(sampler.graph()), names);
  const [output] = graph.outputs;
  await using network = await openSession(graph, sessions);
  const cost = new Map<string, number>();
  for (const [i, weight] of names.entries()) {
    let effect = 0;
    for (const { feeds, latents: { shape }, prediction } of steps) {
      const own = { ...feeds, [inInt8]: int64([1], [i]) };
      const { data } = (await network.run(own))[output.name];
      const guided = guide(data as Float32Array, { latents: shape, scale });
      effect += squaredError(guided, prediction.data) /
        squaredError(prediction.data);
    }
    cost.set(weight, effect / macs.get(weight)!);
    progress?.(cost.size, macs.size);
  }
  return names.sort((a, b) => cost.get(a)! - cost.get(b)!);
}

/** The input that says which product is in 8 bits. */
const inInt8 = "product_in_int8";

/** The graph with one of some weights' products in 8 bits, chosen at each run by its place: all of them both ways in one session. */
function oneInInt8(graph: Graph, weights: readonly string[]): Graph {
  const emitter = new Int8Emitter();
  let chosen: Value | undefined;
  return rewritten(graph, {
    rule(call) {
      const { g } = call;
      const weight = productWeight(graph, call.node);
      const place = weight ? weights.indexOf(weight.name) : -1;
      if (!weight || place === -1) return undefined;
      chosen ??= g.input(inInt8, "int64", [1]);
      const isChosen = g.equal(chosen, g.ints([place]));
      const [exact] = copied(call);
      return [g.where(isChosen, emitter.emit(call, weight), exact)];
    },
  });
}

/** Σ (x − y)², y of zeros by default. */
const squaredError = (x: Float32Array, y?: Float32Array): number =>
  x.reduce((sum, v, i) => sum + (v - (y?.[i] ?? 0)) ** 2, 0);

/** The largest count that passes, found to a sixteenth by bisection, and its PSNR; none, of `Infinity`, where no count does. */
async function longest(
  most: number,
  tried: (count: number) => Promise<{ passes: boolean; psnr: number }>,
): Promise<{ count: number; psnr: number }> {
  let best = { count: 0, psnr: Infinity };
  let beyond = most + 1;
  let count = most;
  while (beyond - best.count > Math.max(1, most / 16)) {
    const { passes, psnr } = await tried(count);
    if (passes) best = { count, psnr };
    else beyond = count;
    count = Math.floor((best.count + beyond) / 2);
  }
  return best;
}

/** In dB, of pictures in [-1, 1] as they are written. */
function psnrOf(x: Tensor<"float32">, y: Tensor<"float32">): number {
  const clamped = ({ data }: Tensor<"float32">) =>
    data.map((v) => Math.min(1, Math.max(-1, v)));
  const error = squaredError(clamped(x), clamped(y)) / x.data.length;
  return 10 * Math.log10(4 / error);
}

/** The mean, and its standard error. */
function meanOf(
  values: readonly number[],
): { mean: number; error: number } {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / Math.max(1, n - 1) / n) };
}
