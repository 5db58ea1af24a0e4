/**
 * The SubNet compiler: all steps of a sampler as one ONNX graph, noise in,
 * pictures or latents out. The steps, or the evaluations of a learned solver, are
 * a loop with a branch for each form of step, or unrolled if forms are many; only
 * live blocks are in the graph. Values
 * that follow from timesteps alone are constants, values that a prompt gives
 * every step, such as keys and values of cross-attention, are computed once, and
 * each weight is there once.
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
import type { Handed } from "./handed_on.ts";
import { SolverForms } from "./solver_forms.ts";
import {
  type SampledSubNet,
  StepForms,
  type StepSources,
} from "./step_forms.ts";
import { StepTables } from "./step_tables.ts";

/** A SubNet to compile, with the inputs, the output and the precision of its graph. */
export interface CompileRequest extends SampledSubNet {
  /** Emits the model's input of a name, with its batch, from graph inputs; called once for each that is read. */
  readonly conditioning: (g: GraphBuilder, name: string) => Value;
  /** Emits pictures from the final latents `[B, C, H, W]`; without it the graph returns the latents. */
  readonly picture?: (g: GraphBuilder, latents: Value) => Value;
  /** Precision of weights and products (default float32); inputs, outputs and sampler are always float32. */
  readonly precision?: Precision;
  /** Names of the weights that an 8-bit precision keeps in 8 bits. */
  readonly int8Weights?: readonly string[];
  /** For precision int8: see `SessionOptions`. */
  readonly int8Passes?: SessionOptions["int8Passes"];
}

/** The forms of the steps that a graph makes, and the values that they hand on. */
interface Forms {
  /** The form of each step. */
  readonly chosen: readonly number[];
  /** The values that steps hand on; the latents first. One named `noise` stays what it was. */
  readonly state: readonly Value[];
  /** The factors on the noise that make the first values, by name; other values are zeros at first. */
  readonly fromNoise: Readonly<Record<string, number>>;
  /** Whether forms are few enough for a loop. */
  readonly areFew: boolean;
  /** For each form, a function that emits a step and returns the state values that it changes. */
  emitters(g: GraphBuilder, sources: StepSources): (() => Handed)[];
}

/** Names of the graph's own inputs and outputs. */
const graphNames = {
  /** Standard normal noise, `[B, C, H, W]`. */
  noise: "noise",
  /** Standard normal noise of the K steps that add some, `[K, B, C, H, W]`. */
  stepNoise: "step_noise",
  latents: "latents",
  pictures: "pictures",
} as const;

/**
 * One graph of all steps. Inputs: `noise`, `step_noise` if the sampler adds
 * noise, and those of `conditioning`; output: `pictures` `[B, 3, H, W]` in about
 * [-1, 1], or `latents` `[B, C, H, W]`.
 *
 * @throws {RangeError} If gates or sampler do not fit the SuperNet, or a solver's halves the sampler's guidance.
 */
export async function compileSubNet(request: CompileRequest): Promise<Graph> {
  const forms = formsOf(request);
  const graph = forms.areFew
    ? await looped(request, forms)
    : await unrolled(request, forms);
  return stored(graph, request);
}

async function looped(request: CompileRequest, forms: Forms): Promise<Graph> {
  const g = new GraphBuilder(`${request.net.model.model}:sampler`);
  const sources = sourcesIn(g, request, forms);
  const { noise, ...first } = firstState(g, forms);
  const { last, outputs } = emitLoop(g, {
    first,
    chosen: forms.chosen,
    body: (index, now) => forms.emitters(g, sources(index, { noise, ...now })),
  });
  const graph = g.build({ ...outputOf(g, request, last.latents), ...outputs });
  return await foldSteps(shareNodes(graph), graph.loop!);
}

/** Compiles the steps one after the other, so that forms share weights in the layout of a runtime. */
async function unrolled(request: CompileRequest, forms: Forms): Promise<Graph> {
  const g = new GraphBuilder(`${request.net.model.model}:sampler`);
  const sources = sourcesIn(g, request, forms);
  const known: string[] = [];
  let now = firstState(g, forms);
  for (const [t, form] of forms.chosen.entries()) {
    const own = sources(t, now);
    const emit = forms.emitters(g, own)[form];
    now = { ...now, ...g.scope(`step.${t}`, emit) };
    known.push(...own.tables.known);
  }
  const graph = g.build(outputOf(g, request, now.latents));
  return await foldConstants(graph, known);
}

/** A sampler's steps as graphs, for a host that runs them one after the other. */
export interface CompiledSteps
  extends Pick<Forms, "chosen" | "state" | "fromNoise"> {
  /**
   * A graph for each form. Inputs: `step`, int64 `[]`, the state as `state.…`,
   * and the inputs of {@linkcode compileSubNet} but `noise`; outputs: `next.…` for
   * each state value that changes.
   */
  readonly forms: readonly Graph[];
}

/** Compiles a graph for each form of step, so that a host sees the latents after each step. */
export async function compileSteps(
  request: CompileRequest,
): Promise<CompiledSteps> {
  const forms = formsOf(request);
  const { chosen, state, fromNoise } = forms;
  const graphs: Graph[] = [];
  for (const form of new Set(chosen)) {
    const g = new GraphBuilder(`${request.net.model.model}:step`);
    const index = g.input("step", "int64", []);
    const now = Object.fromEntries(
      state.map(({ name, dtype, shape }) => [
        name,
        g.input(`state.${name}`, dtype, shape),
      ]),
    );
    const sources = sourcesIn(g, request, forms)(index, now);
    const next = Object.entries(forms.emitters(g, sources)[form]());
    const left = next.map(([name, value]) => [`next.${name}`, value]);
    const graph = await foldSteps(g.build(Object.fromEntries(left)), {
      index: index.name,
      count: chosen.length,
    });
    graphs.push(withoutUnread(stored(graph, request)));
  }
  return { forms: graphs, chosen, state, fromNoise };
}

/** Compiles the graph from the final `latents` to the output of {@linkcode compileSubNet}. */
export function compilePicture(request: CompileRequest): Graph {
  const { net: { model }, guidanceScale } = request;
  const g = new GraphBuilder(`${model.model}:picture`);
  const shape = latentsShape(model, guidanceScale);
  const latents = g.input("latents", "float32", shape);
  return stored(g.build(outputOf(g, request, latents)), request);
}

/** The forms of a plan's steps, or of its solver's evaluations. @throws As `compileSubNet`. */
function formsOf(request: CompileRequest): Forms {
  const { net, sampler, plan } = request;
  const { steps, units } = net;
  const source = `a SubNet of ${net.model.model}`;
  refuseThresholding(sampler, "compile");
  checkSubNet(plan, { steps, units, source });
  if (sampler.steps.length !== steps) {
    throw new RangeError(
      `Cannot compile ${source}: the sampler makes ${sampler.steps.length} steps, expected the SuperNet's ${steps}`,
    );
  }
  const { solver } = plan;
  return solver ? new SolverForms(request, solver) : new StepForms(request);
}

/** A graph as a file has it: in the form's precision, and fit for GPUs, whose sines are coarse. */
function stored(graph: Graph, form: CompileRequest): Graph {
  const own = inPrecision(graph, form, { stored: true });
  return shareNodes(webgpuGraph(own, { fusedAttention: true }));
}

/** A function of a name that remembers its results. */
function once(make: (name: string) => Value): (name: string) => Value {
  const made = new Map<string, Value>();
  return (name) => made.getOrInsertComputed(name, make);
}

/** The state before the first step. */
function firstState(
  g: GraphBuilder,
  { state, fromNoise }: Forms,
): Record<string, Value> {
  const [{ dtype, shape }] = state;
  const noise = g.input(graphNames.noise, dtype, shape);
  const first = ({ name, shape }: Value) =>
    name in fromNoise
      ? combination(g, [[fromNoise[name], () => noise]])
      : g.expand(g.scalar(0), shape);
  return g.inSingle(() =>
    Object.fromEntries(state.map((value) => [value.name, first(value)]))
  );
}

/** Makes the sources of each step in a graph. */
function sourcesIn(
  g: GraphBuilder,
  request: CompileRequest,
  { chosen }: Forms,
) {
  const { net, sampler: { steps }, guidanceScale } = request;
  const noisy = steps.filter(({ noise }) => noise !== 0).length;
  const shape = [noisy, ...latentsShape(net.model, guidanceScale)];
  const noise = once((name) => g.input(name, "float32", shape));
  const outer = {
    conditioning: once((name) => request.conditioning(g, name)),
    noise: () => noise(graphNames.stepNoise),
  };
  return (index: Value | number, now: StepSources["now"]): StepSources => ({
    tables: new StepTables(g, index, chosen.length),
    now,
    ...outer,
  });
}

const outputOf = (
  g: GraphBuilder,
  { picture }: CompileRequest,
  latents: Value,
): Record<string, Value> =>
  picture
    ? { [graphNames.pictures]: picture(g, latents) }
    : { [graphNames.latents]: latents };
