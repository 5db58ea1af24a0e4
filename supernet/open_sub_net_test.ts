import { loadPipeline, type PipelineSampler } from "@dip-go/core";
import type { Tensor } from "@dip-go/core/tensor";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { denseGates } from "./gates/gates.ts";
import { planFor, readPlan } from "./gates/plan.ts";
import { denseMacs } from "./gates/liveness.ts";
import { superNetOf } from "./gates/super_net.ts";
import { openSubNet } from "./open_sub_net.ts";

/** Fails unless pictures are the same but for the SubNet's float32 sums, which the plain pipeline takes in float64. */
function assertAlike(
  actual: readonly Tensor<"float32">[],
  expected: readonly Tensor<"float32">[],
) {
  assertEquals(actual.length, expected.length);
  for (const [i, { data }] of expected.entries()) {
    const off = data.map((x, j) => Math.abs(x - actual[i].data[j]));
    const most = off.reduce((a, b) => Math.max(a, b));
    assert(most < 1e-4, `picture ${i} differs by ${most}`);
  }
}

const subjects = {
  "zoo/models/dit-shapes": [3, 7],
  "zoo/models/sd-shapes": ["a red cube", "a large blue star on grey"],
};

for (const [model, pair] of Object.entries(subjects)) {
  Deno.test(`openSubNet() without a plan draws what the plain pipeline draws: ${model}`, async () => {
    const sampler = (await loadPipeline(model)).sampler({ steps: 3 });
    await using full = await openSubNet(sampler);
    const pictures = await full.sample(pair, { seed: 5 });
    assertAlike(await sampler.sample(pair, { seed: 5 }), pictures);
    const [first] = await sampler.sample(pair, { seed: 5, batch: 2 });
    assertAlike([first], pictures.slice(0, 1));
    const [other] = await full.sample(pair[0], { seed: 6 });
    assertNotEquals(other, pictures[0]);
  });
}

Deno.test("openSubNet() and the plain pipeline draw pictures of different guidance scales as each alone", async () => {
  const pipeline = await loadPipeline("testdata/pipelines/sd");
  const at = (guidanceScale: number) =>
    pipeline.sampler({ height: 24, width: 24, steps: 2, guidanceScale });
  const pair = ["a red circle", "blue dog"];
  const options = { seed: [5, 6], guidanceScale: [3, 7] };
  await using full = await openSubNet(at(7));
  const pictures = await full.sample(pair, options);
  const plain = await at(7).sample(pair, options);
  const [first] = await at(3).sample(pair[0], { seed: [5] });
  first.data.forEach((x, i) => {
    assertAlmostEquals(pictures[0].data[i], x, 1e-4);
    assertAlmostEquals(plain[0].data[i], x, 1e-4);
    assertAlmostEquals(pictures[1].data[i], plain[1].data[i], 1e-5);
  });
  const one = await at(7).sample(pair, { ...options, guidanceScale: 3 });
  assertEquals(one[0], plain[0]);
  assertNotEquals(await at(7).sample(pair[0], { seed: [5] }), [pictures[0]]);
  await assertRejects(
    () => at(1).sample(pair, options),
    RangeError,
    "found a scale of 3 for a picture, expected at most 1 where the sampler's is 1",
  );
});

Deno.test("a network that reads the scale of guidance reads one of each picture", async () => {
  const pipeline = await loadPipeline("testdata/pipelines/lcm");
  const at = (guidanceScale: number) =>
    pipeline.sampler({ height: 24, width: 24, steps: 1, guidanceScale });
  const options = { seed: [5, 5], guidanceScale: [3, 9] };
  const [, second] = await at(1).sample(["a", "a"], options);
  const [alone] = await at(9).sample("a", { seed: [5] });
  alone.data.forEach((x, i) => assertAlmostEquals(second.data[i], x, 1e-4));
});

for (const model of ["sd", "inpaint"]) {
  Deno.test(`openSubNet() without a plan repaints what a mask covers as the plain pipeline does: ${model}`, async () => {
    const data = Uint8Array.from({ length: 3 * 32 * 24 }, (_, i) => i % 256);
    const image = { height: 32, width: 24, channels: 3, data };
    const pipeline = await loadPipeline(`testdata/pipelines/${model}`);
    const sampler = pipeline.sampler({
      height: 32,
      width: 24,
      steps: 3,
      start: { image, mask: image, strength: 0.7 },
    });
    const pair = ["a red circle", "blue dog"];
    await using full = await openSubNet(sampler);
    const pictures = await full.sample(pair, { seed: [5, 6] });
    assertAlike(await sampler.sample(pair, { seed: [5, 6] }), pictures);
  });
}

for (const [model, pair] of Object.entries(subjects)) {
  Deno.test(`without guidance a sampler runs its network once a step, at half the cost, and draws what a scale of 1 makes of both halves: ${model}`, async () => {
    const pipeline = await loadPipeline(model);
    const at = (guidanceScale: number) =>
      pipeline.sampler({ steps: 2, guidanceScale });
    const [one, both] = [at(1), at(1 + 1e-9)];
    assertEquals([one.guided, both.guided], [false, true]);
    const macs = (sampler: PipelineSampler) => denseMacs(superNetOf(sampler));
    assertAlmostEquals(macs(one) / macs(both), 0.5, 1e-3);
    const drawn = await one.sample(pair, { seed: 5 });
    await using subNet = await openSubNet(one);
    assertAlike(await subNet.sample(pair, { seed: 5 }), drawn);
    const negative = pipeline.drawsClasses ? undefined : "a green cross";
    const options = { seed: 5, negativePrompt: negative };
    assertEquals(await at(0).sample(pair, options), drawn);
    const guided = await both.sample(pair, { seed: 5 });
    assertAlike(guided, drawn);
  });
}

Deno.test("a plan's SubNet draws another picture, and the same one again", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const sampler = pipeline.sampler({ steps: 3 });
  const net = superNetOf(sampler);
  const [first, ...others] = denseGates(3, net.units.length);
  const gates = [first, ...others.map((row) => row.map(() => 0 as const))];
  const plan = planFor(sampler, net, { gates });
  assertEquals(plan.sampler, { name: "ddim", steps: 3 });
  await using subNet = await openSubNet(sampler, plan);
  const drawn: number[] = [];
  const progress = (done: number, total: number) => drawn.push(done, total);
  const [picture] = await subNet.sample(3, { progress });
  assertEquals(drawn, [1, 3, 2, 3, 3, 3]);
  assertEquals(await subNet.sample([3]), [picture]);
  assertNotEquals(await sampler.sample(3), [picture]);
});

Deno.test("openSubNet() refuses a plan of other units or steps", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const sampler = pipeline.sampler({ steps: 3 });
  const net = superNetOf(sampler);
  const gates = denseGates(3, net.units.length);
  const plan = planFor(sampler, net, { gates });
  const blocks = pipeline.sampler({ steps: 3, granularity: "block" });
  await assertRejects(
    () => openSubNet(blocks, plan),
    RangeError,
    "another granularity may have them",
  );
  await assertRejects(
    () => openSubNet(sampler.withSteps(4), plan),
    RangeError,
    "found 3 rows, expected 4 steps",
  );
});

Deno.test("calls of an open SubNet take turns, whatever their sizes, and a closed one draws no more", async () => {
  const sampler = (await loadPipeline("zoo/models/dit-shapes"))
    .sampler({ steps: 2 });
  const subNet = await openSubNet(sampler);
  const [alone] = await subNet.sample(1, { seed: 3 });
  const [first, pair, last] = await Promise.all([
    subNet.sample(1, { seed: 3 }),
    subNet.sample([1, 2], { seed: [3, 4] }),
    subNet.sample(1, { seed: 3 }),
  ]);
  assertEquals(first, [alone]);
  assertEquals(last, [alone]);
  assertAlike([pair[0]], [alone]);
  for (const batch of [-1, 0, 1.5, NaN]) {
    const drawn = () => subNet.sample(1, { batch });
    await assertRejects(drawn, RangeError, `in batches of ${batch}, expected`);
  }
  for (const scale of [-1, NaN, Infinity]) {
    const drawn = () => subNet.sample([1, 2], { guidanceScale: [2, scale] });
    const message = `guidanceScale[1] is ${scale}, expected a number from 0`;
    await assertRejects(drawn, RangeError, message);
  }
  const two = { seed: [3, 4], batch: 2 ** 40 }; // more than are drawn
  assertAlike(await subNet.sample([1, 2], two), pair);
  const seeded = () => subNet.sample(1, { seed: [1, 2] });
  await assertRejects(seeded, RangeError, "found 2 seeds, expected one");
  const ending = new AbortController();
  const ended = subNet.sample(1, {
    seed: 3,
    signal: ending.signal,
    progress: () => ending.abort(new Error("enough")),
  });
  await assertRejects(() => ended, Error, "enough");
  const called: number[] = [];
  const never = subNet.sample(1, {
    signal: AbortSignal.abort(new Error("never")),
    progress: (done) => called.push(done),
  });
  await assertRejects(() => never, Error, "never");
  assertEquals(called, []);
  assertEquals(await subNet.sample(1, { seed: 3 }), [alone]);
  await subNet[Symbol.asyncDispose]();
  await assertRejects(() => subNet.sample(1), Error, "the sampler is closed");
});

Deno.test("openSubNet() refuses plans that a solver was not learned for, given as objects too", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const options = { steps: 20, guidanceScale: 2 };
  const plan = await readPlan("zoo/subnets/dit-shapes/0.9.json");
  const refused = async (
    message: string,
    change: (evaluation: Record<string, unknown>) => void,
    sampler = pipeline.sampler(options),
  ) => {
    const changed = structuredClone(plan);
    change(changed.solver!.evaluations[1]);
    await assertRejects(() => openSubNet(sampler, changed), Error, message);
  };
  const bare = {} as typeof plan;
  await assertRejects(
    () => openSubNet(pipeline.sampler(options), bare),
    Error,
    "the plan of no model: model is missing",
  );
  await refused("solver.evaluations[1].noise is 1e+39", (own) => {
    own.noise = 1e39;
  });
  await refused('halves is "conditonal"', (own) => {
    own.halves = "conditonal";
  });
  await refused("evaluates timestep 5000, expected at most a step", (own) => {
    own.timestep = 5000;
  });
  const noisy = pipeline.sampler({ ...options, kind: "ddim", eta: 1 });
  await refused("its solver adds no noise", () => {}, noisy);
  const steps: number[][] = [];
  await using subNet = await openSubNet(pipeline.sampler(options), plan);
  await subNet.sample(1, { progress: (...step) => steps.push(step) });
  assertEquals(steps, [[1, 3], [2, 3], [3, 3]]);
});
