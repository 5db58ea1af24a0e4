/** Every operation of a workspace on a GPU does what it does on the host. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import type { PlacedTensor } from "@dip-go/core/runtime";
import {
  drawStepNoise,
  makeSampler,
  parseSchedulerConfig,
  type Sampler,
  type SamplerKind,
  type SamplerState,
} from "@dip-go/core/samplers";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { firstState, placedNoise } from "@dip-go/supernet/sampling";
import {
  deviceWorkspaces,
  hostWorkspaces,
  type Later,
  type StepCotangents,
  type Workspace,
  type Workspaces,
} from "@dip-go/supernet/workspace";
import { withTraffic } from "./device_traffic.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";

const latents = [2, 3, 4, 4];
const predictions = [4, 6, 4, 4];

/** What an operation makes, as tensors that can be read or as numbers. */
type Made = PlacedTensor | Later<Float64Array | readonly number[]>;

/** Each on tensors a, b, c of the latents' shape and p, q of the predictions'. */
const operations: Readonly<
  Record<
    string,
    (w: Workspace, t: Record<"a" | "b" | "c" | "p" | "q", Tensor>) => Promise<
      Made
    >
  >
> = {
  times: (w, { a }) => w.times(a, -1.5),
  "times 1": (w, { a }) => w.times(a, 1),
  "times 0": (w, { a }) => w.times(a, 0),
  plus: (w, { a, b }) => w.plus(a, b),
  "plus, of one": (w, { b }) => w.plus(undefined, b),
  addInto: (w, { a, b }) =>
    w.addInto(float32(a.shape, [...a.data as Float32Array]), b),
  blend: (w, { a, b }) => w.blend(a, 0.3, { row: [1], held: [b] }),
  "blend at 1": (w, { a, b }) => w.blend(a, 1, { row: [1], held: [b] }),
  "blend without a backup": (w, { a }) =>
    w.blend(a, 0.3, { row: [], held: [] }),
  "blend of a payload": (w, { a, b, c }) =>
    w.blend(a, 0.3, { row: [0.5, [1, -1, 0.2]], held: [b, c] }),
  projections: (w, { p, q }) => w.projections(p, [q, p], 2),
  "projections, one half": (w, { p, q }) => w.projections(p, [q, p], 4),
  modelInput: (w, { a }) => w.modelInput(a, { factor: 0.7, scale: 3 }),
  "modelInput, one half": (w, { a }) =>
    w.modelInput(a, { factor: 0.7, scale: 1 }),
  modelInputVjp: (w, { p }) => w.modelInputVjp(p, { factor: 0.7, scale: 3 }),
  "modelInputVjp, one half": (w, { p }) =>
    w.modelInputVjp(p, { factor: 0.7, scale: 1 }),
  guide: (w, { p }) => w.guide(p, { latents, scale: 3 }),
  "guide, one half": (w, { p }) =>
    w.guide(p, { latents: [4, 3, 4, 4], scale: 1 }),
  guideVjp: (w, { a }) => w.guideVjp(a, { shape: predictions, scale: 3 }),
  "guideVjp, one half": (w, { a }) =>
    w.guideVjp(a, { shape: [2, 6, 4, 4], scale: 1 }),
  payload: (w, { a, b, c }) =>
    w.blend(undefined, 0, { row: [1.6, -0.7, 0.2], held: [a, b, c] }),
  "payload that holds": (w, { a, b }) =>
    w.blend(undefined, 0, { row: [1, 0], held: [a, b] }),
  "projections of one": (w, { p, q }) => w.projections(p, [q], 1),
};

function drawn() {
  const random = new TorchGenerator(1);
  const [a, b, c] = [0, 1, 2].map(() => random.randn(latents));
  const [p, q] = [0, 1].map(() => random.randn(predictions));
  return { a, b, c, p, q };
}

const numbers = async (
  w: Workspace,
  made: Made,
): Promise<number[]> => [...await ("shape" in made ? w.read(made) : made())];

function assertNear(
  found: readonly number[],
  expected: readonly number[],
  name: string,
): void {
  assertEquals(found.length, expected.length, name);
  const largest = Math.max(...expected.map(Math.abs), 1e-3);
  const worst = Math.max(...found.map((x, i) => Math.abs(x - expected[i])));
  assert(worst < 1e-5 * largest, `${name} differs by ${worst} of ${largest}`);
}

const onGpu = () => deviceWorkspaces({ device: "webgpu", threads: 1 });

Deno.test({
  ...onSoftwareGpu("a workspace on the GPU computes what the host's does"),
  async fn() {
    await using workspaces = onGpu();
    using here = hostWorkspaces.enter();
    for (const [name, operate] of Object.entries(operations)) {
      using there = workspaces.enter();
      const expected = await numbers(here, await operate(here, drawn()));
      const made = await operate(there, drawn());
      const found = await numbers(there, made);
      assertNear(found, expected, name);
      if ("shape" in made) assertEquals(made.shape.length, 4, name);
    }
  },
});

const config = {
  _class_name: "DDIMScheduler",
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  solver_order: 3,
};

/** Each kind of step: with memory, with noise, with an input scale, clipped. */
const samplers: Readonly<Record<string, [SamplerKind, object]>> = {
  ddim: ["ddim", { clip_sample: false }],
  "ddim, clipped": ["ddim", { clip_sample: true, clip_sample_range: 0.5 }],
  pndm: ["pndm", {}],
  "dpm-solver++": ["dpm-solver++", {}],
  euler: ["euler", {}],
  lcm: ["lcm", {}],
};

/** All steps forward with drawn predictions, then all back: latents, and cotangents of the first ones and of each prediction. */
async function chained(
  workspaces: Workspaces,
  sampler: Sampler,
): Promise<number[]> {
  using w = workspaces.enter();
  const random = new TorchGenerator(2);
  const noise = drawStepNoise(sampler, { shape: latents, random });
  const drawn = sampler.steps.map(() => random.randn(latents));
  const start = firstState({ sampler, latents: random.randn(latents) });
  const states: SamplerState<PlacedTensor>[] = [start];
  for (const [i, prediction] of drawn.entries()) {
    const next = await w.nextState(sampler, i, {
      state: states[i],
      prediction,
      noise: placedNoise(noise[i], latents),
    });
    states.push(next);
  }
  const made: PlacedTensor[] = [states[states.length - 1].latents];
  let back: StepCotangents["state"] = {
    latents: random.randn(latents),
    past: [],
  };
  for (let i = drawn.length - 1; i >= 0; i--) {
    const step = await w.nextStateVjp(sampler, i, {
      state: states[i],
      prediction: drawn[i],
      cotangent: back,
    });
    made.push(step.prediction);
    back = step.state;
  }
  const arrays: number[] = [];
  for (const each of [...made, back.latents]) {
    arrays.push(...await w.read(each));
  }
  return arrays;
}

for (const [name, [kind, own]] of Object.entries(samplers)) {
  Deno.test({
    ...onSoftwareGpu(`a sampler's steps and their VJP on the GPU: ${name}`),
    async fn() {
      const scheduler = parseSchedulerConfig({ ...config, ...own }, "test");
      const sampler = makeSampler(scheduler, { kind, steps: 5 });
      await using workspaces = onGpu();
      const expected = await chained(hostWorkspaces, sampler);
      assertNear(await chained(workspaces, sampler), expected, name);
    },
  });
}

Deno.test({
  ...onSoftwareGpu("a step on the GPU that adds noise is refused without it"),
  async fn() {
    const scheduler = parseSchedulerConfig(config, "test");
    const sampler = makeSampler(scheduler, { kind: "lcm", steps: 4 });
    const { a, b } = drawn();
    await using workspaces = onGpu();
    using w = workspaces.enter();
    const state = { latents: a, past: [] };
    await assertRejects(
      () => w.nextState(sampler, 0, { state, prediction: b }),
      RangeError,
      'input "noise" is missing',
    );
  },
});

Deno.test({
  ...onSoftwareGpu(
    "keepOnly() gives back what no root leads to, disposing the rest",
  ),
  async fn() {
    await using workspaces = onGpu();
    const { a } = drawn();
    const times = (factor: number) =>
      (a.data as Float32Array).map((x) => factor * x);
    await withTraffic(async ({ made, disposed }) => {
      const w = workspaces.enter();
      const one = await w.times(a, 2);
      await w.times(a, 3);
      const three = await w.times(a, 4);
      w.keepOnly({ held: new Map([["x", one]]), past: [{ latents: three }] });
      assertEquals(disposed, [1]);
      const four = await w.plus(one, three);
      assertEquals(await w.read(one), times(2));
      assertEquals(await w.read(four), times(6));
      w[Symbol.dispose]();
      assertEquals(disposed, [1, 0, 2, 3]);
      assertEquals(made.length, 4);
    });
  },
});
