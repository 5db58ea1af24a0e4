/**
 * The SubNet compiler: all T steps of a sampler as one ONNX graph, noise in,
 * pictures or latents out. Only what is alive is in it; what follows from the
 * timesteps alone is a constant; what a prompt gives every step, such as keys
 * and values of cross-attention, is computed once; each weight is there once.
 */
import {
  type Graph,
  GraphBuilder,
  shareNodes,
  type Value,
} from "@dip-go/core/onnx";
import {
  foldConstants,
  inPrecision,
  type Precision,
  type SessionOptions,
} from "@dip-go/core/runtime";
import { latentsShape } from "@dip-go/core/pipeline";
import { refuseThresholding } from "@dip-go/core/samplers";
import { checkSubNet } from "../gates/plan.ts";
import { combination } from "../arithmetic/terms.ts";
import { cutGraph } from "./cut_graph.ts";
import { type SampledSubNet, UnrolledSampler } from "./unrolled_sampler.ts";

/** How a graph begins and ends. */
export interface CompiledForm {
  /** Emits the model's input of that name, of its batch, from inputs of the graph; called once for each that is read. */
  readonly conditioning: (g: GraphBuilder, name: string) => Value;
  /** Emits pictures from the final latents `[B, C, H, W]`; without it the graph returns the latents. */
  readonly picture?: (g: GraphBuilder, latents: Value) => Value;
  /** Of weights and products, float32 by default; inputs, outputs and the sampler's arithmetic are float32 always. */
  readonly precision?: Precision;
  /** Names of the weights that are in 8 bits, in a precision that has such. */
  readonly int8Weights?: readonly string[];
  /** In int8: see `SessionOptions`. */
  readonly int8Passes?: SessionOptions["int8Passes"];
}

/** What a graph is compiled from. */
export interface CompileRequest extends SampledSubNet, CompiledForm {}

/** Names of the graph's own inputs and outputs. */
const graphNames = {
  /** Standard normal, `[B, C, H, W]`. */
  noise: "noise",
  /** Standard normal, `[K, B, C, H, W]`, of the K steps that add some. */
  stepNoise: "step_noise",
  latents: "latents",
  pictures: "pictures",
} as const;

/**
 * One graph of all steps. Inputs: `noise`, `step_noise` where the sampler adds
 * noise, and those of `conditioning`; output: `pictures` `[B, 3, H, W]` in about
 * [-1, 1], or `latents` `[B, C, H, W]`.
 *
 * @throws {RangeError} If gates or sampler do not fit the SuperNet.
 */
export async function compileSubNet(request: CompileRequest): Promise<Graph> {
  const [graph] = await compileParts(request, { parts: 1 });
  return graph;
}

/**
 * The same in consecutive graphs of about equally many steps, for a look at the
 * latents on the way. Each but the last returns `next.latents`, and what else
 * later steps need as `next.…`; each but the first reads the same as `state.…`;
 * the last returns what {@linkcode compileSubNet} does. Inputs are those of the
 * whole.
 *
 * @param options.parts At least 1, at most the number of steps.
 * @throws {RangeError} If gates, sampler or parts do not fit the SuperNet.
 */
export async function compileParts(
  request: CompileRequest,
  { parts }: { readonly parts: number },
): Promise<Graph[]> {
  check(request, parts);
  const { net: { model, steps } } = request;
  const g = new GraphBuilder(`${model.model}:sampler`);
  const sampler = new UnrolledSampler(g, request, {
    conditioning: once((name) => request.conditioning(g, name)),
    noise: stepNoise(g, request),
  });
  const made = sampler.unroll(firstLatents(g, request));
  const borders = Array.from(
    { length: parts - 1 },
    (_, i) =>
      [`latents.${i}`, made[Math.round((i + 1) * steps / parts) - 1]] as const,
  );
  const graph = g.build({
    ...outputOf(g, request, made[steps - 1]),
    ...Object.fromEntries(borders),
  });
  const names = borders.map(([name]) => name);
  const folded = await foldConstants(graph, sampler.timesteps);
  return cutGraph(folded, { borders: names, name: graphNames.latents })
    .map((part) => stored(part, request));
}

function check(
  { net, sampler, plan }: CompileRequest,
  parts: number,
): void {
  const refuse = (found: string) => {
    throw new RangeError(
      `Cannot compile a SubNet of ${net.model.model}: ${found}`,
    );
  };
  const { steps, units } = net;
  const source = `a SubNet of ${net.model.model}`;
  refuseThresholding(sampler, "compile");
  checkSubNet(plan, { steps, units, source });
  if (sampler.steps.length !== steps) {
    refuse(
      `the sampler makes ${sampler.steps.length} steps, expected the SuperNet's ${steps}`,
    );
  }
  if (parts < 1 || parts > steps) {
    refuse(`found ${parts} parts, expected 1 to ${steps}`);
  }
}

/** A graph as it is written. */
export const stored = (graph: Graph, form: CompiledForm): Graph =>
  shareNodes(inPrecision(graph, form, { stored: true }));

/** A function of a name that is evaluated once for each. */
export function once(make: (name: string) => Value): (name: string) => Value {
  const made = new Map<string, Value>();
  return (name) => {
    const value = made.get(name) ?? make(name);
    made.set(name, value);
    return value;
  };
}

/** Where the first step starts from. */
function firstLatents(
  g: GraphBuilder,
  { net: { model }, guidanceScale, sampler: { initNoiseSigma } }:
    CompileRequest,
): Value {
  const shape = latentsShape(model, guidanceScale);
  const noise = g.input(graphNames.noise, "float32", shape);
  return g.inSingle(() => combination(g, [[initNoiseSigma, () => noise]]));
}

/** The noise of each step that adds some, out of one input for all. */
function stepNoise(
  g: GraphBuilder,
  { net, sampler, guidanceScale }: CompileRequest,
): (step: number) => Value {
  const noisy = [...sampler.steps.keys()]
    .filter((t) => sampler.steps[t].noise !== 0);
  const shape = latentsShape(net.model, guidanceScale);
  const all = once((name) =>
    g.input(name, "float32", [noisy.length, ...shape])
  );
  return (step) =>
    g.inSingle(() => {
      const k = noisy.indexOf(step);
      const every = all(graphNames.stepNoise);
      const own = g.slice(every, { axes: [0], starts: [k], ends: [k + 1] });
      return g.reshape(own, shape);
    });
}

/** What a graph returns. */
export const outputOf = (
  g: GraphBuilder,
  { picture }: CompiledForm,
  latents: Value,
): Record<string, Value> =>
  picture
    ? { [graphNames.pictures]: picture(g, latents) }
    : { [graphNames.latents]: latents };
