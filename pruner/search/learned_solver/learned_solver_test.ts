/** The search on a tiny transformer, and its parts on problems whose answers are known. */
import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ditBlockGraph, livelyWeights } from "@dip-go/core/models";
import { classLabels } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import {
  makeSampler,
  parseSchedulerConfig,
  type SamplerKind,
} from "@dip-go/core/samplers";
import { planCost, runSolver, SolverSessions } from "@dip-go/supernet/solver";
import { tinyDit } from "@dip-go/testing/models";
import { loadPipeline } from "@dip-go/core";
import { conform } from "@dip-go/core/files";
import { denseCost } from "@dip-go/supernet/gates";
import { drawStarts } from "../../calibration.ts";
import { fitTarget, type MethodContext } from "../../method.ts";
import { methodOf } from "../../method_settings.ts";
import { meanSquaredError, rowsOf, sum } from "../../numbers.ts";
import { SamplerSearch } from "../../sampler_search.ts";
import { classSettings } from "../../search_settings.ts";
import { learnedSolver } from "./learned_solver.ts";
import { beam, type Schedule } from "./beam.ts";
import { Cholesky } from "./cholesky.ts";
import { type Gram, gramOf, meanProducts, outputAt, stateAt } from "./gram.ts";
import { differenceCalls, refined } from "./refine.ts";
import { type RidgeFit, ridgeFits } from "./ridge.ts";
import { beamForms } from "./schedules.ts";
import { measuredStates, sensitivities } from "./sensitivity.ts";
import { type Teacher, teacherBatch } from "./teacher.ts";

const steps = 6;
const guidanceScale = 2;
const dit = (batch: number) =>
  ditBlockGraph(tinyDit, livelyWeights(1), { batch, granularity: "block" });
const networks = { images: 2, guided: true, both: dit(4), conditional: dit(2) };
const scheduler = parseSchedulerConfig({
  _class_name: "DDIMScheduler",
  beta_schedule: "squaredcos_cap_v2",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  timestep_spacing: "trailing",
  skip_prk_steps: true,
}, "test");

/** A teacher whose trajectories start from random noise and classes. */
async function taught(
  sessions: SolverSessions,
  { kind = "ddim", count = 2, seed = 3 }: {
    kind?: SamplerKind;
    count?: number;
    seed?: number;
  } = {},
): Promise<Teacher> {
  const sampler = makeSampler(scheduler, { kind, steps });
  const setup = { sampler, guidanceScale };
  const starts = await drawStarts(sessions.shape, {
    ...setup,
    count,
    seed,
    subject: (_, random) => Math.floor(random.uniform() * tinyDit.classes),
    conditioning: (labels) => {
      const options = { guided: true, nullClass: tinyDit.classes };
      const class_labels = classLabels(labels as number[], options);
      return Promise.resolve({ class_labels });
    },
  });
  const batches = [];
  for (const inputs of starts) {
    batches.push(await teacherBatch(sessions, setup, inputs));
  }
  return { ...setup, batches, isFine: false };
}

const whole = (computed: readonly number[]): Schedule =>
  computed.map((step) => ({ step, halves: "both" }));

Deno.test("Cholesky solves normal equations of any scale, and whitens", () => {
  const products = [[4e6, 2e3, 0], [2e3, 3, 0.5], [0, 0.5, 1]];
  const solved = new Cholesky(products, 0);
  const x = [1e-3, -2, 5];
  const y = products.map((row) => row.reduce((sum, a, i) => sum + a * x[i], 0));
  solved.solve(y).forEach((value, i) => assertAlmostEquals(value, x[i], 1e-9));
  const z = [0.3, -1, 2];
  const moved = solved.unwhitened(z);
  const square = moved.reduce(
    (sum, a, i) =>
      sum + a * products[i].reduce((row, p, j) => row + p * moved[j], 0),
    0,
  );
  assertAlmostEquals(square, 0.09 + 1 + 4, 1e-9);
  const inner = solved.whitenedGradient(y).reduce(
    (sum, g, i) => sum + g * z[i],
    0,
  );
  assertAlmostEquals(
    inner,
    y.reduce((sum, g, i) => sum + g * moved[i], 0),
    1e-6,
  );
});

/** The Gram matrix of four unguided steps with orthogonal outputs; `needs` has the states' weights of outputs. */
function handMade(needs: readonly (readonly number[])[]): Gram {
  const gram = { steps: 4, halves: 1 };
  const size = 9;
  const vectors = Array.from({ length: size }, () => Array(5).fill(0));
  vectors[0][0] = 1;
  for (let i = 0; i < 4; i++) vectors[outputAt(gram, i, 0)][1 + i] = 1;
  needs.forEach((own, j) => vectors[stateAt(gram, j + 1)] = [1, ...own]);
  const products = vectors.map((a) =>
    vectors.map((b) => a.reduce((sum, x, i) => sum + x * b[i], 0))
  );
  return { ...gram, products };
}

Deno.test("the beam finds the schedule of the least weighted errors", () => {
  const options = {
    sensitivities: [0, 1, 1, 1],
    mayHalve: false,
    conditionalShare: 0.5,
    width: 4,
    keep: 2,
  };
  const stepsOf = (schedule: Schedule) => schedule.map(({ step }) => step);
  const gram = handMade([[1, 0, 0, 0], [1, 0.5, 0, 0], [1, 0.1, 0, 0], [
    1,
    0.1,
    2,
    1,
  ]]);
  const [best, second] = beam(gram, { ...options, units: 6 });
  assertEquals(stepsOf(best), [0, 2, 3]);
  assertEquals(stepsOf(second), [0, 1, 2]);
  const careless = { ...options, sensitivities: [0, 0, 0, 0], units: 4 };
  assertEquals(beam(gram, careless).map(stepsOf), [[0, 2], [0, 3]]);
  const halves = beam(gram, { ...options, mayHalve: true, units: 3, width: 9 });
  assertEquals(stepsOf(halves[0]), [0, 2, 3]);
  const dear = { ...options, mayHalve: true, conditionalShare: 0.7, units: 3 };
  for (const schedule of beam(gram, dear)) assert(schedule.length <= 2);
  const unlike = Array.from(
    { length: 141 },
    (_, i) => Array.from({ length: 141 }, (_, j) => i === j ? 1 : 0),
  );
  const many = { steps: 70, halves: 1, products: unlike };
  const most = { ...options, sensitivities: Array(70).fill(1), units: 2 * 66 };
  const found = beam(many, most);
  assertEquals(found.map(({ length }) => length), [66, 66]);
});

Deno.test("with few calls both caps of the sensitivities propose schedules, within a cost", () => {
  const random = new TorchGenerator(2);
  const steps = 10;
  const elements = Array.from(
    { length: 1 + 3 * steps },
    () => random.randn([40]).data,
  );
  const gram = { steps, halves: 2, products: meanProducts([elements]) };
  const sensitivities = Array.from({ length: steps }, (_, i) => i < 5 ? 4 : 1);
  const sampler = makeSampler(scheduler, { kind: "ddim", steps });
  const teacher: Teacher = {
    sampler,
    guidanceScale,
    isFine: false,
    batches: [],
  };
  const of = { units: 4, conditionalShare: 0.5 };
  const [mild, steep] = [1, 3].map((cap) =>
    beam(gram, {
      ...of,
      sensitivities: sensitivities.map((own) => Math.min(cap, own)),
      mayHalve: true,
      width: 15,
      keep: 3,
    })
  );
  const forms = beamForms.formsOf({
    ...of,
    teacher,
    measures: { gram, sensitivities },
  }).map(({ schedule }) => schedule);
  assertNotEquals(mild, steep);
  assertArrayIncludes(forms, [mild[0], steep[0], mild[1], steep[1]]);
  const calls = new Set(
    forms.flatMap((schedule) =>
      schedule.map((_, k) => JSON.stringify(schedule.slice(0, k + 1)))
    ),
  );
  const cost = sum(
    [...calls].map((calls) =>
      JSON.parse(calls).at(-1).halves === "both" ? 1 : 0.5
    ),
  );
  assert(cost <= 2 * beamForms.mostForms(4, steps), `${cost} calls`);
});

const halved: Schedule = [
  { step: 0, halves: "both" },
  { step: 1, halves: "conditional" },
  { step: 3, halves: "both" },
];

/** The fits of schedules whose halves have weights of their own. */
const fitsOf = (
  sessions: SolverSessions,
  teacher: Teacher,
  ...schedules: readonly Schedule[]
) =>
  Array.fromAsync(
    ridgeFits(
      sessions,
      teacher,
      schedules.map((schedule) => ({ schedule, joined: false })),
    ),
  );

Deno.test("a schedule of all steps is fitted exactly, and refinement lowers the loss of fewer steps", async (test) => {
  await using sessions = new SolverSessions(networks);
  for (const kind of ["ddim", "pndm", "dpm-solver++", "euler"] as const) {
    await test.step(kind, async () => {
      const teacher = await taught(sessions, { kind });
      const calls = [...teacher.sampler.steps.keys()];
      const [all] = await fitsOf(sessions, teacher, whole(calls));
      const size = teacher.batches[0].target.reduce(
        (max, x) => Math.max(max, Math.abs(x)),
        0,
      );
      const [batch] = teacher.batches;
      const latents = await runSolver(sessions, all.solver, batch);
      const off = latents.data.reduce(
        (max, x, i) => Math.max(max, Math.abs(x - batch.target[i])),
        0,
      );
      assert(off < 1e-3 * size, `off by ${off / size}`);
      const [fit] = await fitsOf(sessions, teacher, halved);
      assertAlmostEquals(await lossOf(sessions, teacher, fit), fit.loss, 1e-3);
      const after = await refined(sessions, fit, 2);
      assertAlmostEquals(
        await lossOf(sessions, teacher, after),
        after.loss,
        1e-3,
      );
      assert(
        after.loss < fit.loss - 0.01,
        `${after.loss} is no less than ${fit.loss}`,
      );
    });
  }
});

/** The mean log squared error of a solver's final latents, over pictures. */
async function lossOf(
  sessions: SolverSessions,
  { batches }: Teacher,
  { solver }: Pick<RidgeFit, "solver">,
): Promise<number> {
  const logs: number[] = [];
  for (const batch of batches) {
    const { data, shape: [pictures] } = await runSolver(
      sessions,
      solver,
      batch,
    );
    const targets = rowsOf(batch.target, pictures);
    rowsOf(data, pictures).forEach((own, picture) =>
      logs.push(Math.log(meanSquaredError(own, targets[picture]) + 1e-6))
    );
  }
  return sum(logs) / logs.length;
}

Deno.test("schedules that begin alike share their calls, and are fitted as each alone", async () => {
  await using sessions = new SolverSessions(networks);
  const teacher = await taught(sessions);
  const schedules = [[0, 1, 3], [0, 1, 4], [0, 2, 4]].map(whole);
  const alone = [];
  for (const schedule of schedules) {
    alone.push((await fitsOf(sessions, teacher, schedule))[0]);
  }
  using calls = countedCalls();
  const together = await fitsOf(sessions, teacher, ...schedules);
  assertEquals(calls.forward, teacher.batches.length * (1 + 2 + 3));
  assertEquals(
    together.map(({ solver, loss }) => ({ solver, loss })),
    alone.map(({ solver, loss }) => ({ solver, loss })),
  );
});

Deno.test("a refinement makes the calls that `differenceCalls` says, and those of one fit", async () => {
  await using sessions = new SolverSessions(networks);
  const teacher = await taught(sessions);
  const [fit] = await fitsOf(sessions, teacher, halved);
  using calls = countedCalls();
  await refined(sessions, fit, 1);
  // nodes 1 and 2 have 3 and 4 coordinates, and runs of 1.5 and 1 calls
  const priced = [{ outputs: 2, cost: 1 }, { outputs: 1, cost: 0.5 }, {
    outputs: 2,
    cost: 1,
  }];
  assertEquals(differenceCalls(priced), 3 * 1.5 + 4 * 1);
  assertEquals(calls.forward, 8.5 + teacher.batches.length * 2.5);
});

Deno.test("sensitivities are positive after state 0, and the Gram matrix has the target's mean square", async () => {
  await using sessions = new SolverSessions(networks);
  const teacher = await taught(sessions, { count: 1 });
  const found = await sensitivities(sessions, teacher, 2);
  assertEquals([found.length, found[0]], [steps, 0]);
  assert(found.slice(1).every((s) => s > 0 && s < 100));
  const many = measuredStates(250);
  assertEquals([many.length, many[0], many.at(-1)], [24, 1, 249]);
  assertEquals(measuredStates(6), [1, 2, 3, 4, 5]);
  assertEquals(measuredStates(2), [1]);
  const gram = gramOf(teacher);
  const square = teacher.batches[0].target.reduce((sum, x) => sum + x * x, 0);
  assertAlmostEquals(
    gram.products[stateAt(gram, steps)][stateAt(gram, steps)],
    square / teacher.batches[0].target.length,
    1e-9,
  );
});

/** Counts calls of the whole network, a conditional half as one half, until it is disposed of. */
function countedCalls() {
  const { evaluated } = SolverSessions.prototype;
  const calls = {
    forward: 0,
    [Symbol.dispose]() {
      SolverSessions.prototype.evaluated = evaluated;
    },
  };
  SolverSessions.prototype.evaluated = function (workspace, request) {
    calls.forward += request.halves === "both" ? 1 : 0.5;
    return evaluated.call(this, workspace, request);
  };
  return calls;
}

Deno.test("the search meets its budgets with one teacher, and costs what `searchCost` says", async () => {
  const pipeline = await loadPipeline("testdata/pipelines/dit");
  const sampler = pipeline.sampler({ steps: 5, guidanceScale: 2 });
  const solver = { pairs: 2, perturbed: 2, pictures: 2 };
  const search = conform(classSettings, { batch: 2, solver }, "test");
  using calls = countedCalls();
  await using searched = new SamplerSearch(sampler, { search, seed: 0 });
  const sparsity = [0.4, 0.8];
  for (const i of sparsity.keys()) {
    const context = searched.context(sparsity.slice(0, i + 1));
    const fitted = await fitTarget(learnedSolver, context);
    if (fitted.kind !== "gates") throw new Error(fitted.kind);
    const { net } = context;
    const kept = planCost(net, fitted.plan) / denseCost(net);
    assertAlmostEquals(kept, 1 - sparsity[i], 1e-9);
  }
  const context = searched.context(sparsity);
  const dense = denseCost(context.net);
  const budgets = sparsity.map((s) => (1 - s) * dense);
  const told = learnedSolver.searchCost!({ ...context, budgets });
  const passes = search.batch * calls.forward / sampler.calls;
  const expected = told / dense * search.batch;
  assert(
    passes <= expected && passes > 0.7 * expected,
    `${passes} of ${expected}`,
  );
});

Deno.test("a method's own number of pairs and finer teacher make its trajectories, and its cost says so", async () => {
  const pipeline = await loadPipeline("testdata/pipelines/dit");
  const sampler = pipeline.sampler({ steps: 5, guidanceScale: 2 });
  const solver = { pairs: 2 };
  const search = conform(classSettings, { batch: 2, solver }, "test");
  await using searched = new SamplerSearch(sampler, { search, seed: 0 });
  const context = searched.context([0.4]);
  const own = { pairs: 6, refine: "none", teacher: { steps: 10 } };
  const method = methodOf({ kind: "uniform+learned-solver", ...own });
  using calls = countedCalls();
  await fitTarget(method, context);
  const { net } = context;
  const budgets = [0.6 * denseCost(net)];
  const told = method.searchCost!({ ...context, budgets }) / denseCost(net);
  assertAlmostEquals(calls.forward / sampler.calls, told, 1e-9);
  assertAlmostEquals(told, 3 * (10 / 5 + 3 / 5), 1e-9);
});

Deno.test("a finer teacher's states are those of more steps, at the sampler's timesteps", async () => {
  const pipeline = await loadPipeline("testdata/pipelines/dit");
  const sampler = pipeline.sampler({ steps: 5, guidanceScale: 2 });
  const search = conform(classSettings, { batch: 2 }, "test");
  await using searched = new SamplerSearch(sampler, { search, seed: 0 });
  const context = searched.context([0.4]);
  const fine = await context.teacher({ pairs: 2, teacher: { steps: 10 } });
  const { batches: [whole] } = await context.trajectories(10);
  const [batch] = fine.batches;
  assert(fine.isFine && batch.target.every((x, i) => x === whole.target[i]));
  assertEquals(batch.states.length, 5);
  const [few, many] = [sampler, sampler.withSteps(10)].map((each) =>
    each.sampler.steps.map(({ timestep }) => timestep)
  );
  batch.states.forEach(({ latents }, i) => {
    const expected = whole.states[many.indexOf(few[i])].latents;
    assert(latents.every((x, e) => x === expected[e]));
  });
  const error = await assertRejects(
    () => context.teacher({ pairs: 2, teacher: { steps: 7 } }),
    RangeError,
  );
  assertStringIncludes(error.message, "often a multiple of its steps");
});

Deno.test("a sampler that adds noise is refused", async () => {
  const sampler = makeSampler(scheduler, { kind: "ddpm", steps });
  const context = { sampler, search: { batch: 2 } } as MethodContext;
  const fitted = await fitTarget(learnedSolver, context);
  assert(fitted.kind === "none" && fitted.note.startsWith("ddpm adds noise"));
});
