/** Learned solvers on tiny networks: against samplers that they can express, central differences, and the compiled file. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ditBlockGraph, livelyWeights } from "@dip-go/core/models";
import { classLabels, openFullSampler } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import {
  makeSampler,
  parseSchedulerConfig,
  type SamplerKind,
} from "@dip-go/core/samplers";
import { int64 } from "@dip-go/core/tensor";
import { tinyDit } from "@dip-go/testing/models";
import { loadPipeline } from "@dip-go/core";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { classInputs, compileSubNet } from "../compile/mod.ts";
import { parseGates, planFor, superNet, superNetOf } from "../gates/mod.ts";
import { exportSubNet, openSubNet } from "../mod.ts";
import { openSolver } from "./open_solver.ts";
import { planCost, planMacs } from "./plan_cost.ts";
import { runSolver } from "./run_solver.ts";
import { samplerSolver } from "./sampler_solver.ts";
import type { Solver } from "./solver.ts";
import type { SolverNetworks } from "./emit_solver.ts";
import { SolverSessions } from "./solver_sessions.ts";

const images = 2;
const scale = 3;
const config = { ...tinyDit, outChannels: 6 };
const dit = (batch: number) =>
  ditBlockGraph(config, livelyWeights(7), { batch, granularity: "block" });
const networks: SolverNetworks = {
  images,
  guided: true,
  both: dit(2 * images),
  conditional: dit(images),
};
const shape = [images, 3, 8, 8];
const latents = new TorchGenerator(3).randn(shape);
const labels = [1, 3];
const conditioning = {
  class_labels: classLabels(labels, {
    guided: true,
    nullClass: config.classes,
  }),
};
const inputs = { latents, conditioning };

const scheduler = parseSchedulerConfig({
  _class_name: "DDIMScheduler",
  beta_schedule: "linear",
  beta_start: 1e-4,
  beta_end: 0.02,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  skip_prk_steps: true,
}, "test");

const kinds: readonly SamplerKind[] = ["ddim", "pndm", "dpm-solver++", "euler"];

Deno.test("a solver of a sampler's own weights is the sampler", async () => {
  await using sessions = new SolverSessions(networks);
  await using full = await openFullSampler(networks.both, {});
  for (const kind of kinds) {
    const sampler = makeSampler(scheduler, { kind, steps: 4 });
    const expected = await full.sample({
      ...inputs,
      sampler,
      guidanceScale: scale,
    });
    const found = await runSolver(
      sessions,
      samplerSolver(sampler, { guidance: [scale, 1 - scale] }),
      inputs,
    );
    assertClose(found.data, expected.data, 1e-5);
  }
});

/** A solver of three evaluations, some at fractional timesteps; the middle one is of the conditional half alone. */
const mixed: Solver = {
  evaluations: [
    { timestep: 901.5, halves: "both", noise: 1, outputs: [] },
    {
      timestep: 500.2,
      halves: "conditional",
      noise: 0.9,
      outputs: [[0.3, -0.2]],
    },
    {
      timestep: 101,
      halves: "both",
      noise: 0.6,
      outputs: [[0.2, 0.1], [-0.4]],
    },
  ],
  latents: { noise: 0.1, outputs: [[0.1, -0.1], [0.5], [0.3, -0.6]] },
};

const net = superNet(networks.both, {
  steps: 5,
  conditional: () => networks.conditional,
});
const gates = [1, 0, 1, 0, 1].map((gate) => net.units.map(() => gate as 0 | 1));

Deno.test("a compiled solver with a half alone draws what the loop draws", async () => {
  await using sessions = new SolverSessions(networks);
  const expected = await runSolver(sessions, mixed, inputs);
  const graph = await compileSubNet({
    net,
    sampler: makeSampler(scheduler, { kind: "ddim", steps: 5 }),
    guidanceScale: scale,
    plan: { gates, solver: mixed },
    conditioning: classInputs(networks.both, {
      guided: true,
      nullClass: config.classes,
    }),
  });
  await using session = await openSession(graph);
  const found = await session.run({
    noise: latents,
    class_labels: int64([images], labels),
  });
  assertClose(found.latents.data as Float32Array, expected.data, 1e-4);
});

Deno.test("a solver costs its evaluations, a conditional half one half", () => {
  const call = net.macs.reduce((a, b) => a + b);
  const combined = (1 + 3 + 4 + 6) * images * 3 * 8 * 8;
  assertEquals(planMacs(net, { gates, solver: mixed }), 2.5 * call + combined);
});

Deno.test("a solver that spends a budget to the last share of a call does not exceed it", () => {
  const blocks = net.macs.map(() => 1);
  const costs = { blocks, conditionalShare: 0.3 };
  const priced = superNet(networks.both, { steps: 20, costs });
  const evaluations = Array.from({ length: 16 }, (_, k) => ({
    timestep: 20 - k,
    halves: k < 6 ? "both" as const : "conditional" as const,
    noise: 0,
    outputs: [],
  }));
  const solver = { evaluations, latents: { noise: 0, outputs: [] } };
  const calls = 6 + 10 * 0.3;
  assertEquals(planCost(priced, { gates: [], solver }), calls * blocks.length);
});

Deno.test("a plan's file carries its solver, and refuses one that does not fit", () => {
  const file = (solver: unknown) => ({
    model: "tiny",
    sampler: { name: "ddim", steps: 5 },
    blocks: net.units,
    gates,
    solver,
  });
  assertEquals(
    parseGates(JSON.parse(JSON.stringify(file(mixed))), "a.json").solver,
    mixed,
  );
  const refused = (solver: unknown, message: string) =>
    assertThrows(() => parseGates(file(solver), "a.json"), Error, message);
  refused(
    { ...mixed, evaluations: mixed.evaluations.slice(1) },
    "found 2 evaluations, expected 3",
  );
  refused(
    { ...mixed, latents: { noise: 1, outputs: [[1, 1], [1, 1], [1, 1]] } },
    "combination 2 has weights of [2,1] outputs, expected [2,2]",
  );
  refused({ ...mixed, latents: { noise: NaN, outputs: [] } }, "latents.noise");
});

Deno.test("a plan with a solver is opened and exported like any other", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const sampler = pipeline.sampler({ steps: 3 });
  const solver = {
    ...mixed,
    evaluations: mixed.evaluations.slice(0, 2),
    latents: { noise: 0.1, outputs: [[0.5, -0.2], [0.3]] },
  };
  const units = superNetOf(sampler).units;
  const gates = [1, 1, 0].map((gate) => units.map(() => gate as 0 | 1));
  const plan = planFor(sampler, { units }, { gates, solver });
  await using subNet = await openSubNet(sampler, plan);
  const [picture] = await subNet.sample(3, { seed: 0 });
  assertEquals(picture.shape, [3, 24, 24]);
  await inTemporaryFolder(async (folder) => {
    const { macs } = await exportSubNet(sampler, plan, folder);
    assertAlmostEquals(macs.subNet / macs.full, 0.5, 1e-3);
    const card = await Deno.readTextFile(`${folder}/README.md`);
    assert(card.includes("of which 2 compute a"));
  });
  await assertRejects(
    () => openSubNet(pipeline.sampler({ steps: 3, guidanceScale: 3 }), plan),
    RangeError,
    "learned of ddim at a guidance scale of 2, found ddim at 3",
  );
  const unguided = pipeline.sampler({ steps: 3, guidanceScale: 1 });
  assertThrows(
    () => openSolver(unguided, solver, { images: 1 }),
    RangeError,
    "expected both, of 1 output, in a sampler without guidance",
  );
});

function assertClose(
  found: Float32Array,
  expected: Float32Array,
  limit: number,
) {
  const most = expected.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  const worst = found.reduce(
    (max, x, i) => Math.max(max, Math.abs(x - expected[i])),
    0,
  );
  assert(worst <= limit * most, `off by ${worst / most}`);
}
