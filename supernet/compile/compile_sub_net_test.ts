import { assert, assertEquals, assertRejects } from "@std/assert";
import { ditBlockGraph, livelyWeights } from "@dip-go/core/models";
import type { Graph, Node } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession, type Session } from "@dip-go/core/runtime";
import {
  drawStepNoise,
  makeSampler,
  parseSchedulerConfig,
  type SamplerKind,
} from "@dip-go/core/samplers";
import {
  describe,
  float32,
  int64,
  sizeOf,
  type Tensor,
} from "@dip-go/core/tensor";
import {
  tinyConditions,
  tinyDit,
  tinyFlux,
  tinyPixart,
  tinySd3,
  tinyStreams,
  tinyText,
  tinyUnet,
} from "@dip-go/testing/models";
import { forecastPayload, type ForecastScalars } from "../gates/forecast.ts";
import { denseGates, type Gate, type Gates } from "../gates/gates.ts";
import { liveBlocks } from "../gates/liveness.ts";
import type { Payloads } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import { SubNetRunner } from "../sampling/sub_net.ts";
import { type SuperNet, superNet } from "../gates/super_net.ts";
import { samplerSolver } from "../solver/sampler_solver.ts";
import {
  type CompiledSteps,
  type CompileRequest,
  compileSteps,
  compileSubNet,
} from "./compile_sub_net.ts";
import { classInputs, featureInputs } from "./compiled_conditioning.ts";

const scheduler = (values: Record<string, unknown> = {}) =>
  parseSchedulerConfig({
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    beta_start: 1e-4,
    beta_end: 0.02,
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
    skip_prk_steps: true,
    ...values,
  }, "test");

/** Gates of which about half are closed; of every three steps one is held whole. */
function halfClosed({ steps, units }: SuperNet, seed: number): Gates {
  const random = new TorchGenerator(seed);
  return Array.from(
    { length: steps },
    (_, t) =>
      units.map((_, n): Gate =>
        t === 0 ||
          (n === units.length - 1 ? t % 3 !== 2 : random.uniform() < 0.5)
          ? 1
          : 0
      ),
  );
}

const forecasting = (
  { steps, model: { output } }: SuperNet,
  gates: Gates,
): Payloads => {
  const whole = gates.map((row) => row[row.length - 1]);
  const scalars = Array.from(
    { length: steps },
    (_, t): ForecastScalars => [0.01 * t, 0.5, -0.1],
  );
  return { [output]: forecastPayload(whole, scalars) };
};

/** The halves of a batch of 2B as the graph's inputs, the second with `negative_` before its name. */
const halves = (
  conditioning: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(conditioning).flatMap(([name, { dtype, shape, data }]) => {
      const half = data.length / 2;
      const part = (from: number): Tensor => ({
        dtype,
        shape: shape.with(0, shape[0] / 2),
        data: data.slice(from, from + half) as Tensor["data"],
      });
      return [[name, part(0)], [`negative_${name}`, part(half)]];
    }),
  );

interface Case extends Omit<CompileRequest, "plan"> {
  /** The conditioning, as the network's inputs and as the graph's. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly inputs: Readonly<Record<string, Tensor>>;
}

const calls = 6;

function samplerOf(kind: SamplerKind, config = scheduler()) {
  const steps: Partial<Record<SamplerKind, number>> = {
    pndm: calls - 1,
    "kdpm2-ancestral": calls / 2,
  };
  return makeSampler(config, { kind, steps: steps[kind] ?? calls });
}

function unetCase(
  kind: SamplerKind,
  granularity: "block" | "branch" | "layer",
  { config = scheduler(), guided = true } = {},
): Case {
  const batch = guided ? 4 : 2;
  const model = tinyUnet({ batch, granularity });
  const feeds = tinyText(batch);
  return {
    net: superNet(model, { steps: calls }),
    sampler: samplerOf(kind, config),
    guidanceScale: guided ? 3 : 1,
    conditioning: featureInputs(model, { guided }),
    feeds,
    inputs: guided ? halves(feeds) : feeds,
  };
}

function pixartCase(): Case {
  const model = tinyPixart({ batch: 4, granularity: "sublayer" });
  const feeds = tinyConditions(4);
  return {
    net: superNet(model, { steps: calls }),
    sampler: samplerOf("dpm-solver++"),
    guidanceScale: 3,
    conditioning: featureInputs(model, { guided: true }),
    feeds,
    inputs: halves(feeds),
  };
}

function sd3Case(): Case {
  const model = tinySd3({ batch: 4, granularity: "sublayer" });
  const feeds = tinyStreams(4);
  return {
    net: superNet(model, { steps: calls }),
    sampler: samplerOf("flow-euler"),
    guidanceScale: 3,
    conditioning: featureInputs(model, { guided: true }),
    feeds,
    inputs: halves(feeds),
  };
}

/** A FLUX, distilled from guided samples, so that it runs once a step. */
function fluxCase(): Case {
  const model = tinyFlux({ batch: 2, granularity: "block" });
  const feeds = tinyStreams(2, { guidance: 3.5 });
  return {
    net: superNet(model, { steps: calls }),
    sampler: samplerOf("flow-euler"),
    guidanceScale: 1,
    conditioning: featureInputs(model, { guided: false }),
    feeds,
    inputs: feeds,
  };
}

function ditCase(
  { guided = true, kind = "ddim" }: { guided?: boolean; kind?: SamplerKind } =
    {},
): Case {
  const config = { ...tinyDit, outChannels: 6 };
  const options = { batch: guided ? 4 : 2, granularity: "sublayer" } as const;
  const labels = int64([2], [1, 3]);
  const model = ditBlockGraph(config, livelyWeights(7), options);
  const sampler = samplerOf(kind);
  return {
    net: superNet(model, { steps: sampler.steps.length }),
    sampler,
    guidanceScale: guided ? 3 : 0.5,
    conditioning: classInputs(model, { guided, nullClass: config.classes }),
    feeds: { class_labels: guided ? int64([4], [1, 3, 4, 4]) : labels },
    inputs: { class_labels: labels },
  };
}

const clipping = scheduler({
  clip_sample: true,
  clip_sample_range: 0.5,
  prediction_type: "sample",
});

const cases: Readonly<Record<string, () => Case>> = {
  "a UNet's branches under ddim": () => unetCase("ddim", "branch"),
  "a UNet's layers under pndm": () => unetCase("pndm", "layer"),
  "a UNet's blocks under dpm-solver++": () => unetCase("dpm-solver++", "block"),
  "a UNet's branches under euler": () => unetCase("euler", "branch"),
  "a UNet's branches under lcm": () => unetCase("lcm", "branch"),
  "a UNet's branches under ddim that clips": () =>
    unetCase("ddim", "branch", { config: clipping }),
  "a PixArt under dpm-solver++": pixartCase,
  "an SD3 under flow-euler": sd3Case,
  "a FLUX under flow-euler without guidance": fluxCase,
  "a DiT under ddim": ditCase,
  "a DiT under unipc": () => ditCase({ kind: "unipc" }),
  "a DiT under kdpm2-ancestral": () => ditCase({ kind: "kdpm2-ancestral" }),
  "a UNet's layers under pndm without guidance": () =>
    unetCase("pndm", "layer", { guided: false }),
  "a DiT under ddim without guidance": () => ditCase({ guided: false }),
};

const noise = new TorchGenerator(3).randn([2, 3, 8, 8]);

/** Samples a plan by one session a block; returns the latents, and the noise of the steps. */
async function sampled(one: Case, plan: SubNetPlan) {
  const random = new TorchGenerator(8);
  const stepNoise = drawStepNoise(one.sampler, { shape: noise.shape, random });
  await using runner = new SubNetRunner(one.net);
  const latents = await runner.sample({
    latents: noise,
    conditioning: one.feeds,
    sampler: one.sampler,
    noise: stepNoise,
    guidanceScale: one.guidanceScale,
    ...plan,
  });
  return { latents, stepNoise };
}

/** The noise of the steps as the graph's input. */
function noiseInput(
  stepNoise: readonly (Float32Array | undefined)[],
): Tensor {
  const noisy = stepNoise.filter((each) => each !== undefined);
  const all = noisy.flatMap((each) => [...each]);
  return float32([noisy.length, ...noise.shape], all);
}

/** Runs the graph of all steps; returns the latents. */
async function runWhole(
  graph: Graph,
  one: Case,
  stepNoise: readonly (Float32Array | undefined)[],
): Promise<Tensor> {
  await using session = await openSession(graph);
  const inputs = { noise, step_noise: noiseInput(stepNoise), ...one.inputs };
  return (await session.run(feedsOf(session.graph, inputs))).latents;
}

const feedsOf = ({ inputs }: Graph, known: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(inputs.map(({ name }) => [name, known[name]]));

/** Runs a graph for each form step by step, as a host does; returns the latents. */
async function runSteps(
  { forms, chosen, state, fromNoise }: CompiledSteps,
  one: Case,
  stepNoise: readonly (Float32Array | undefined)[],
): Promise<Tensor> {
  const inputs = { step_noise: noiseInput(stepNoise), ...one.inputs };
  let known = Object.fromEntries(
    state.map(({ name, shape }): [string, Tensor] => [
      `state.${name}`,
      float32(
        shape,
        name in fromNoise
          ? noise.data.map((value) => value * fromNoise[name])
          : new Float32Array(sizeOf(shape)),
      ),
    ]),
  );
  await using opened = new AsyncDisposableStack();
  const sessions: Session[] = [];
  for (const graph of forms) {
    sessions.push(opened.use(await openSession(graph)));
  }
  for (const [t, form] of chosen.entries()) {
    const session = sessions[form];
    const step = int64([], [t]);
    const feeds = feedsOf(session.graph, { ...inputs, ...known, step });
    const next = Object.entries(await session.run(feeds)).map((
      [name, value],
    ) => [name.replace(/^next\./, "state."), value]);
    known = { ...known, ...Object.fromEntries(next) };
  }
  return known["state.latents"];
}

/** The largest difference over the largest expected value. */
function distance(found: Tensor, expected: Tensor): number {
  assertEquals(describe(found), describe(expected));
  const [have, want] = [found.data, expected.data] as Float32Array[];
  const largest = (values: Float32Array) =>
    values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return largest(have.map((value, i) => value - want[i])) / largest(want);
}

function assertClose(found: Tensor, expected: Tensor): void {
  const off = distance(found, expected);
  assert(off <= 1e-4, `differs by ${off}`);
}

/** Checks the latents of a compiled plan, in one graph and step by step. */
async function assertCompiled(
  one: Case,
  plan: SubNetPlan,
  { latents, stepNoise }: Awaited<ReturnType<typeof sampled>>,
): Promise<void> {
  const request = { ...one, plan };
  const whole = await compileSubNet(request);
  assertClose(await runWhole(whole, one, stepNoise), latents);
  const steps = await compileSteps(request);
  assertClose(await runSteps(steps, one, stepNoise), latents);
}

for (const [name, make] of Object.entries(cases)) {
  Deno.test(`compileSubNet samples ${name} as block sessions do, whole and step by step`, async () => {
    const one = make();
    const gates = halfClosed(one.net, 5);
    const plan = { gates, payloads: forecasting(one.net, gates) };
    await assertCompiled(one, plan, await sampled(one, plan));
  });
}

for (const [name, make] of Object.entries(cases)) {
  const { sampler: { steps } } = make();
  if (steps.some(({ noise, clip }) => noise !== 0 || clip)) continue;
  Deno.test(`a compiled solver of the sampler's own weights samples ${name}, whole and step by step`, async () => {
    const one = make();
    const { net, sampler, guidanceScale: scale } = one;
    const gates = denseGates(net.steps, net.units.length);
    const guided = net.model.inputs[0].shape[0] > noise.shape[0];
    const guidance = guided ? [scale, 1 - scale] : [1];
    const solver = samplerSolver(sampler, { guidance });
    const expected = await sampled(one, { gates });
    await assertCompiled(one, { gates, solver }, expected);
  });
}

Deno.test("whole and shallow steps are two forms, whatever later steps read of the whole ones", async () => {
  const one = ditCase();
  const [unit] = one.net.units;
  const whole = [true, true, false, true, false, true];
  const gates = whole.map((all) =>
    one.net.units.map((_, n, { length }): Gate =>
      all || n === length - 1 ? 1 : 0
    )
  );
  const coefficients = whole.map((all) => all ? [] : [1.5, -0.5]);
  const payloads = { [unit]: { held: "output", coefficients } } as const;
  const plan = { gates, payloads };
  const { latents, stepNoise } = await sampled(one, plan);
  const steps = await compileSteps({ ...one, plan });
  assertEquals(steps.chosen, whole.map((all) => all ? 0 : 1));
  assertClose(await runSteps(steps, one, stepNoise), latents);
});

Deno.test("compileSubNet computes a text's keys and values once", async () => {
  const one = unetCase("ddim", "branch");
  const gates = halfClosed(one.net, 5);
  const graph = await compileSubNet({ ...one, plan: { gates } });
  const readers = (weight: RegExp) =>
    [...graph.initializers.keys()].filter((key) => weight.test(key)).map((
      key,
    ) => graph.nodes.filter(({ inputs }) => inputs.includes(key)).length);
  const keys = readers(/attn2\.to_[kv]\.weight/);
  assert(keys.length > 0 && keys.every((count) => count === 1));
  assert(readers(/attn2\.to_q\.weight/).some((count) => count > 1));
});

Deno.test("compileSubNet holds the live blocks alone, each weight once", async () => {
  const one = unetCase("ddim", "branch");
  const gates = halfClosed(one.net, 5);
  const graph = await compileSubNet({ ...one, plan: { gates } });
  const live = liveBlocks(one.net, gates);
  for (const [i, { block, graph: own }] of one.net.blocks.entries()) {
    const runs = live.filter((step) => step[i]).length;
    for (const name of own.initializers.keys()) {
      if (!name.endsWith("conv2.weight")) continue;
      const readers = graph.nodes.filter(({ inputs }) => inputs.includes(name));
      assertEquals(readers.length, runs, `${block.name}: ${name}`);
    }
  }
  const weights = [...graph.initializers.values()]
    .filter(({ role }) => role === "parameter");
  const own = new Set(
    one.net.blocks.flatMap(({ graph }) => [...graph.initializers.keys()]),
  );
  assert(weights.length > 0 && weights.every(({ name }) => own.has(name)));
});

const products = ["Conv", "Gemm", "MatMul", "MultiHeadAttention"];

/** The dtypes of the outputs of nodes that `wanted` accepts. */
const dtypesOf = (
  { nodes, values }: Graph,
  wanted: (node: Node) => boolean,
) => [
  ...new Set(
    nodes.filter(wanted).map(({ outputs: [name] }) => values.get(name)!.dtype),
  ),
];

for (
  const name of [
    "a UNet's layers under pndm",
    "a UNet's branches under lcm",
    "a PixArt under dpm-solver++",
    "a DiT under ddim",
  ]
) {
  Deno.test(`compileSubNet in float16 samples ${name} within a hundredth`, async () => {
    const one = cases[name]();
    const gates = halfClosed(one.net, 5);
    const plan = { gates, payloads: forecasting(one.net, gates) };
    const { latents, stepNoise } = await sampled(one, plan);
    const request = {
      ...one,
      plan,
      precision: "float16",
    } as const;
    const graph = await compileSubNet(request);
    const off = distance(await runWhole(graph, one, stepNoise), latents);
    assert(off > 1e-6 && off < 1e-2, `differs by ${off}`);
    assertEquals(dtypesOf(graph, ({ op }) => products.includes(op)), [
      "float16",
    ]);
    assertEquals(dtypesOf(graph, ({ single }) => single === true), ["float32"]);
    assert(graph.nodes.some(({ single }) => single));
    const wide = [...graph.initializers.values()].filter((
      { dtype, shape, role },
    ) => role === "parameter" && dtype === "float32" && shape.length > 1);
    assertEquals(wide.map(({ name }) => name), []);
  });
}

Deno.test("compileSubNet refuses a sampler of other steps", async () => {
  const one = unetCase("ddim", "branch");
  const plan = { gates: halfClosed(one.net, 5) };
  const sampler = makeSampler(scheduler(), { kind: "ddim", steps: 4 });
  await assertRejects(
    () => compileSubNet({ ...one, plan, sampler }),
    RangeError,
    "the sampler makes 4 steps, expected the SuperNet's 6",
  );
});
