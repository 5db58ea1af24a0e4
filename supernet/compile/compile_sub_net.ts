/**
 * The SubNet compiler: all T steps of a sampler as one ONNX graph, noise in,
 * pictures or latents out. The steps are a loop, whose branches are the forms in
 * which they come, or unrolled where forms are many; only what is alive is in it.
 * What follows from the timesteps alone is a constant, what a prompt gives every
 * step, such as keys and values of cross-attention, is computed once, and each
 * weight is there once.
 */
import {
  emitLoop,
  type Graph,
  GraphBuilder,
  shareNodes,
  type Value,
  withoutUnread,
} from "@dip-go/core/onnx";
import {
  foldConstants,
  foldSteps,
  inPrecision,
  type Precision,
  type SessionOptions,
  webgpuGraph,
} from "@dip-go/core/runtime";
import { latentsShape } from "@dip-go/core/pipeline";
import { refuseThresholding } from "@dip-go/core/samplers";
import { checkSubNet } from "../gates/plan.ts";
import { combination } from "../arithmetic/terms.ts";
import {
  type SampledSubNet,
  StepForms,
  type StepSources,
} from "./step_forms.ts";
import { StepTables } from "./step_tables.ts";

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
  check(request);
  const forms = new StepForms(request);
  const graph = forms.areFew
    ? await looped(request, forms)
    : await unrolled(request, forms);
  return stored(graph, request);
}

/** Steps as a loop. */
async function looped(
  request: CompileRequest,
  forms: StepForms,
): Promise<Graph> {
  const g = new GraphBuilder(`${request.net.model.model}:sampler`);
  const sources = sourcesIn(g, request);
  const { last, outputs } = emitLoop(g, {
    first: firstState(g, request, forms.state),
    chosen: forms.chosen,
    body: (index, now) => forms.emitters(g, sources(index, now)),
  });
  const graph = g.build({ ...outputOf(g, request, last.latents), ...outputs });
  return await foldSteps(shareNodes(graph), graph.loop!);
}

/** Steps one after the other: layers that several forms have share their weights as a runtime lays them out. */
async function unrolled(
  request: CompileRequest,
  forms: StepForms,
): Promise<Graph> {
  const g = new GraphBuilder(`${request.net.model.model}:sampler`);
  const sources = sourcesIn(g, request);
  const known: string[] = [];
  let now = firstState(g, request, forms.state);
  for (const [t, form] of forms.chosen.entries()) {
    const own = sources(t, now);
    const emit = forms.emitters(g, own)[form];
    now = { ...now, ...g.scope(`step.${t}`, emit) };
    known.push(...own.tables.known);
  }
  const graph = g.build(outputOf(g, request, now.latents));
  return await foldConstants(graph, known);
}

/** A sampler's steps for a host that runs them one after the other. */
export interface CompiledSteps {
  /** One a form. Inputs: `step`, int64 `[]`, what steps hand on as `state.…`, and those of {@linkcode compileSubNet}; outputs: `next.…` of what is handed on anew. */
  readonly forms: readonly Graph[];
  /** The form of each step. */
  readonly chosen: readonly number[];
  /** What steps hand on: `latents`, from `latents` of a picture's noise on, and others, from zeros on. */
  readonly state: readonly Value[];
  /** The first latents are the noise times this. */
  readonly initNoiseSigma: number;
}

/** The same for a look at the latents after each step, which takes them and returns them. */
export async function compileSteps(
  request: CompileRequest,
): Promise<CompiledSteps> {
  check(request);
  const { net: { model }, sampler: { steps, initNoiseSigma } } = request;
  const forms = new StepForms(request);
  const graphs: Graph[] = [];
  for (let form = 0; form < forms.count; form++) {
    const g = new GraphBuilder(`${model.model}:step`);
    const index = g.input("step", "int64", []);
    const now = Object.fromEntries(
      forms.state.map(({ name, dtype, shape }) => [
        name,
        g.input(`state.${name}`, dtype, shape),
      ]),
    );
    const sources = sourcesIn(g, request)(index, now);
    const next = Object.entries(forms.emitters(g, sources)[form]());
    const left = next.map(([name, value]) => [`next.${name}`, value]);
    const graph = await foldSteps(g.build(Object.fromEntries(left)), {
      index: index.name,
      count: steps.length,
    });
    graphs.push(withoutUnread(stored(graph, request)));
  }
  const { chosen, state } = forms;
  return { forms: graphs, chosen, state, initNoiseSigma };
}

/** The last latents as what the form's graphs return. Input: `latents`. */
export function compilePicture(request: CompileRequest): Graph {
  const { net: { model }, guidanceScale } = request;
  const g = new GraphBuilder(`${model.model}:picture`);
  const shape = latentsShape(model, guidanceScale);
  const latents = g.input("latents", "float32", shape);
  return stored(g.build(outputOf(g, request, latents)), request);
}

function check({ net, sampler, plan }: CompileRequest): void {
  const { steps, units } = net;
  const source = `a SubNet of ${net.model.model}`;
  refuseThresholding(sampler, "compile");
  checkSubNet(plan, { steps, units, source });
  if (sampler.steps.length === steps) return;
  throw new RangeError(
    `Cannot compile ${source}: the sampler makes ${sampler.steps.length} steps, expected the SuperNet's ${steps}`,
  );
}

/** A graph as it is written: for runtimes that have a GPU too, whose sines are coarse. */
export function stored(graph: Graph, form: CompiledForm): Graph {
  const own = inPrecision(graph, form, { stored: true });
  return shareNodes(webgpuGraph(own, { fusedAttention: true }));
}

/** A function of a name that is evaluated once for each. */
export function once(make: (name: string) => Value): (name: string) => Value {
  const made = new Map<string, Value>();
  return (name) => {
    const value = made.get(name) ?? make(name);
    made.set(name, value);
    return value;
  };
}

/** Where the first step starts from: scaled noise, and zeros for what no step has left yet. */
function firstState(
  g: GraphBuilder,
  { sampler: { initNoiseSigma } }: CompileRequest,
  [latents, ...others]: readonly Value[],
): Record<string, Value> {
  const noise = g.input(graphNames.noise, latents.dtype, latents.shape);
  const zeros = others.map(({ name, shape }) => [
    name,
    g.expand(g.scalar(0), shape),
  ]);
  return {
    latents: g.inSingle(() => combination(g, [[initNoiseSigma, () => noise]])),
    ...Object.fromEntries(zeros),
  };
}

/** Where a graph's steps find what they read. */
function sourcesIn(g: GraphBuilder, request: CompileRequest) {
  const { net, sampler: { steps }, guidanceScale } = request;
  const noisy = steps.filter(({ noise }) => noise !== 0).length;
  const shape = [noisy, ...latentsShape(net.model, guidanceScale)];
  const noise = once((name) => g.input(name, "float32", shape));
  const outer = {
    conditioning: once((name) => request.conditioning(g, name)),
    noise: () => noise(graphNames.stepNoise),
  };
  return (index: Value | number, now: StepSources["now"]): StepSources => ({
    tables: new StepTables(g, index, steps.length),
    now,
    ...outer,
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
