/**
 * The choice of the weights in 8 bits: as many as keep the pictures as near to
 * float32's as is asked. Each weight's effect on the guided prediction is
 * measured alone, at two steps of a true trajectory. Weights that save the most
 * for their effect come first; savings are MACs if products are in 8 bits,
 * elements if weights alone are. The number of weights is found on pictures, by
 * bisection, unless pictures allow all.
 */
import { wholeGraph } from "../../models/block_graph/block_graph.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import { macsOfGraph } from "../../onnx/macs.ts";
import { dependants } from "../../onnx/reach.ts";
import { copied, rewritten } from "../../onnx/rewrites/rewrite.ts";
import { int8Emitter, int8Weight } from "../../runtime/int8/in_int8.ts";
import { openSession } from "../../runtime/session.ts";
import type {
  Int8Precision,
  SessionOptions,
} from "../../runtime/session_options.ts";
import { int64, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import type { Subject } from "../conditioner.ts";
import { guide } from "../guidance.ts";
import { PictureSampler } from "../picture_sampler.ts";
import type { PipelineSampler } from "../pipeline_sampler.ts";
import { openFullSampler } from "../sampling/full_sampler.ts";
import type { MadeStep } from "../sampling_loop.ts";

/** The calibration of a choice, and the quality to keep. */
export interface Int8Request {
  /** The 8-bit precision; int8 by default. */
  readonly precision?: Int8Precision;
  /** The subjects that the calibration draws, all at once; effects are measured on the first. */
  readonly subjects: readonly Subject[];
  /** The least mean PSNR of the pictures to float32's, in dB; 46 by default. */
  readonly quality?: number;
  /** The seed of the noise; by default far from the small seeds that pictures are drawn with. */
  readonly seed?: number;
  /** Called after each measured weight. */
  readonly progress?: (done: number, total: number) => void;
}

/** The weights in 8 bits, and their effect on pictures. */
export interface Int8Choice {
  /** Mean PSNR to float32 on the calibration's pictures, in dB. */
  readonly psnr: number;
  /** The chosen part of all candidates: of MACs in int8, of elements in int8-weights. */
  readonly share: number;
  /** Names of the weights. */
  readonly weights: readonly string[];
}

/**
 * Chooses the weights. The mean PSNR less its standard error is at least the
 * quality; no weight is chosen if no tried number of weights keeps it.
 *
 * @param sampler A sampler in float32.
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
  {
    subjects,
    precision = "int8",
    quality = 46,
    seed = 2 ** 20,
    progress,
  }: Int8Request,
): Promise<Int8Choice> {
  if (subjects.length === 0) {
    throw new RangeError(
      "Cannot choose weights in 8 bits: there is no subject",
    );
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
  const savings = savingsOf(sampler, precision);
  const tried = async (int8Weights: readonly string[]) => {
    const drawn = await draw({ precision, int8Weights });
    const { mean, error } = meanOf(exact.map((x, i) => psnrOf(x, drawn[i])));
    return { passes: mean - error >= quality, psnr: mean, int8Weights };
  };
  const all = await tried([...savings.keys()]);
  const found = all.passes ? all : await longest(
    await byEffect(sampler, {
      precision,
      steps: await probed(sampler, subjects[0], seed),
      savings,
      progress,
    }),
    tried,
  );
  const sum = (names: readonly string[]) =>
    names.reduce((total, name) => total + savings.get(name)!, 0);
  return {
    psnr: found.psnr,
    share: sum(found.int8Weights) / sum(all.int8Weights),
    weights: found.int8Weights.toSorted(),
  };
}

/** Two steps of one picture's trajectory: one at a third, which lays the picture out, and the last. */
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

/**
 * Names of all weights that could be in 8 bits.
 *
 * @example
 * ```ts
 * import { int8Candidates, loadPipeline } from "@dip-go/core/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const sampler = (await loadPipeline("zoo/models/dit-shapes")).sampler();
 * assertEquals(int8Candidates(sampler, "int8-weights").length, 87);
 * ```
 */
export const int8Candidates = (
  sampler: PipelineSampler,
  precision: Int8Precision,
): string[] => [...savingsOf(sampler, precision).keys()];

/** The saving of each weight; products of the timestep alone are left out, as compiled graphs hold their results. */
function savingsOf(
  sampler: PipelineSampler,
  precision: Int8Precision,
): Map<string, number> {
  const graph = wholeGraph(sampler.graph());
  const macs = macsOfGraph(graph);
  const savings = new Map<string, number>();
  const inputs = graph.inputs.map(({ name }) => name);
  const others = inputs.filter((name) => name !== "timestep");
  const drawn = dependants(graph.nodes, others).names;
  const weightOf = int8Weight(precision);
  for (const node of graph.nodes) {
    const weight = weightOf(graph, node);
    if (!weight || !node.inputs.some((name) => drawn.has(name))) continue;
    const { name, shape } = weight;
    const own = macs.get(node.name)?.total ?? 0;
    savings.set(
      name,
      precision === "int8" ? (savings.get(name) ?? 0) + own : sizeOf(shape),
    );
  }
  return savings;
}

/** Names of the weights, in falling order of saving over squared error. */
async function byEffect(
  sampler: PipelineSampler,
  { precision, steps, savings, progress }: {
    precision: Int8Precision;
    steps: readonly MadeStep[];
    savings: ReadonlyMap<string, number>;
    progress: Int8Request["progress"];
  },
): Promise<string[]> {
  const { pipeline: { sessions }, guidanceScale: scale } = sampler;
  const names = [...savings.keys()];
  const graph = oneInInt8(wholeGraph(sampler.graph()), names, precision);
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
    cost.set(weight, effect / savings.get(weight)!);
    progress?.(cost.size, savings.size);
  }
  return names.sort((a, b) => cost.get(a)! - cost.get(b)!);
}

/** The name of the input that selects the weight in 8 bits. */
const inInt8 = "weight_in_int8";

/** A graph with one weight in 8 bits, whose index is an input, so that one session measures every weight. */
function oneInInt8(
  graph: Graph,
  weights: readonly string[],
  precision: Int8Precision,
): Graph {
  const emitter = int8Emitter(precision);
  const weightOf = int8Weight(precision);
  let chosen: Value | undefined;
  return rewritten(graph, {
    rule(call) {
      const { g } = call;
      const weight = weightOf(graph, call.node);
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

/** Weights in 8 bits, and their pictures' PSNR. */
interface Tried {
  readonly int8Weights: readonly string[];
  readonly passes: boolean;
  readonly psnr: number;
}

/**
 * The longest beginning of a list that passes, found to a sixteenth by
 * bisection; the whole list is known to fail. Empty, with PSNR `Infinity`, if
 * none passes.
 */
async function longest(
  ordered: readonly string[],
  tried: (beginning: readonly string[]) => Promise<Tried>,
): Promise<Tried> {
  let best: Tried = { int8Weights: [], passes: true, psnr: Infinity };
  let beyond = ordered.length;
  while (beyond - best.int8Weights.length > Math.max(1, ordered.length / 16)) {
    const count = Math.floor((best.int8Weights.length + beyond) / 2);
    const next = await tried(ordered.slice(0, count));
    if (next.passes) best = next;
    else beyond = count;
  }
  return best;
}

/** The PSNR in dB of two pictures in [-1, 1], clamped as they are when written. */
function psnrOf(x: Tensor<"float32">, y: Tensor<"float32">): number {
  const clamped = ({ data }: Tensor<"float32">) =>
    data.map((v) => Math.min(1, Math.max(-1, v)));
  const error = squaredError(clamped(x), clamped(y)) / x.data.length;
  return 10 * Math.log10(4 / error);
}

/** The mean, and its standard error. */
function meanOf(values: readonly number[]): { mean: number; error: number } {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / Math.max(1, n - 1) / n) };
}
