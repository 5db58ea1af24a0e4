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
import { lazy } from "../arithmetic/terms.ts";
import {
  SamplerValues,
  statePrefix,
  type StepsBefore,
} from "./sampler_values.ts";
import {
  type SampledSubNet,
  type StepRange,
  UnrolledSampler,
} from "./unrolled_sampler.ts";

/** What a graph is compiled from. */
export interface CompileRequest extends SampledSubNet {
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
 * latents on the way. Each but the last returns `next.latents` and what else
 * later steps need, `next.past.…`, `next.history.…`, `next.both.…` and `next.held.…`; each but
 * the first reads the same as `state.…`; the last returns what
 * {@linkcode compileSubNet} does.
 *
 * @param options.parts At least 1, at most the number of steps.
 * @throws {RangeError} If gates, sampler or parts do not fit the SuperNet.
 */
export async function compileParts(
  request: CompileRequest,
  { parts }: { readonly parts: number },
): Promise<Graph[]> {
  check(request, parts);
  const steps = request.net.steps;
  const border = (i: number) => Math.round(i * steps / parts);
  const graphs: Graph[] = [];
  let wanted: readonly string[] | null = null;
  for (let i = parts - 1; i >= 0; i--) {
    const graph = await compiled(
      request,
      { from: border(i), to: border(i + 1) },
      wanted,
    );
    graphs.unshift(graph);
    wanted = graph.inputs.map(({ name }) => name)
      .filter((name) => name.startsWith(statePrefix))
      .map((name) => name.slice(statePrefix.length));
  }
  return graphs;
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

/** Some steps as a graph. @param wanted The state that the next graph reads, or null for the last. */
async function compiled(
  request: CompileRequest,
  range: StepRange,
  wanted: readonly string[] | null,
): Promise<Graph> {
  const g = new GraphBuilder(`${request.net.model.model}:sampler`);
  const sampler = new UnrolledSampler(g, request, {
    conditioning: once((name) => request.conditioning(g, name)),
    noise: stepNoise(g, request, range),
  });
  const state = stateBefore(g, request, sampler.before(range.from));
  sampler.unroll(range, state);
  const outputs = wanted ? passedOn(state, wanted) : final(g, request, state);
  const folded = await foldConstants(g.build(outputs), sampler.timesteps);
  return shareNodes(inPrecision(folded, request, { stored: true }));
}

/** A function of a name that is evaluated once for each. */
function once(make: (name: string) => Value): (name: string) => Value {
  const made = new Map<string, Value>();
  return (name) => {
    const value = made.get(name) ?? make(name);
    made.set(name, value);
    return value;
  };
}

/** Where the first step starts from, or what the steps before left. */
function stateBefore(
  g: GraphBuilder,
  { net: { model, blocks }, guidanceScale, sampler }: CompileRequest,
  before: StepsBefore,
): SamplerValues {
  const { memory, initNoiseSigma } = sampler;
  const shape = latentsShape(model, guidanceScale);
  if (before.steps > 0) {
    const { shape: output } = blocks[blocks.length - 1].graph.outputs[0];
    const shapes = { latents: shape, output };
    return SamplerValues.inputs(g, shapes, { memory, ...before });
  }
  const noise = g.input(graphNames.noise, "float32", shape);
  const first = lazy(() =>
    initNoiseSigma === 1
      ? noise
      : g.inSingle(() => g.mul(noise, g.scalar(initNoiseSigma)))
  );
  return SamplerValues.start(first, { memory });
}

/** The noise of each step that adds some, out of one input for all steps of the range. */
function stepNoise(
  g: GraphBuilder,
  { net, sampler, guidanceScale }: CompileRequest,
  { from, to }: StepRange,
): (step: number) => Value {
  const noisy = [...sampler.steps.keys()].slice(from, to)
    .filter((t) => sampler.steps[t].noise !== 0);
  const shape = latentsShape(net.model, guidanceScale);
  const all = lazy(() =>
    g.input(graphNames.stepNoise, "float32", [noisy.length, ...shape])
  );
  return (step) =>
    g.inSingle(() => {
      const k = noisy.indexOf(step);
      const own = g.slice(all(), { axes: [0], starts: [k], ends: [k + 1] });
      return g.reshape(own, shape);
    });
}

function final(
  g: GraphBuilder,
  { picture }: CompileRequest,
  { latents }: SamplerValues,
): Record<string, Value> {
  return picture
    ? { [graphNames.pictures]: picture(g, latents()) }
    : { [graphNames.latents]: latents() };
}

/** What the next graph reads as `state.<name>`, as `next.<name>`. */
function passedOn(
  state: SamplerValues,
  wanted: readonly string[],
): Record<string, Value> {
  const values = state.named();
  return Object.fromEntries(
    wanted.map((name) => [`next.${name}`, values.get(name)!()]),
  );
}
