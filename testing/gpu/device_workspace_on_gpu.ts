/** Tests that the arithmetic between a model's blocks is the same on a GPU as on the CPU. */
import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import type { PlacedTensor } from "@dip-go/core/runtime";
import {
  drawStepNoise,
  makeSampler,
  parseSchedulerConfig,
  type Sampler,
  type SamplerKind,
} from "@dip-go/core/samplers";
import type { Tensor } from "@dip-go/core/tensor";
import { superNet } from "@dip-go/supernet/gates";
import { SamplerArithmetic } from "@dip-go/supernet/sampling";
import {
  Cotangents,
  Tape,
  type Workspace,
  workspacesOn,
} from "@dip-go/supernet/workspace";
import { tinyPixart } from "@dip-go/testing/models";
import { withTraffic } from "./device_traffic.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";

const latents = [2, 3, 8, 8];
/** A network whose output has a variance too. */
const model = tinyPixart({ batch: 4 });

type Drawn = Readonly<Record<"a" | "b" | "c", Tensor<"float32">>>;

const operations: Readonly<
  Record<string, (w: Workspace, t: Drawn) => Promise<PlacedTensor>>
> = {
  times: (w, { a }) => w.combined([[-1.5, a]]),
  "times 1": (w, { a }) => w.combined([[1, a]]),
  "times 0": (w, { a }) => w.combined([[0, a]]),
  plus: (w, { a, b }) => w.plus(a, b),
  "plus, of one": (w, { b }) => w.plus(undefined, b),
  payload: (w, { a, b, c }) =>
    w.payload({ row: [1.6, [-0.7, 0, 2], 0.2], held: [a, b, c] }),
  "payload that holds": (w, { a, b }) =>
    w.payload({ row: [1, 0], held: [a, b] }),
};

function drawn(): Drawn {
  const random = new TorchGenerator(1);
  const [a, b, c] = [0, 1, 2].map(() => random.randn(latents));
  return { a, b, c };
}

function assertNear(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  name: string,
): void {
  assertEquals(found.length, expected.length, name);
  const all = Array.from(expected);
  const largest = Math.max(...all.map(Math.abs), 1e-3);
  const worst = Math.max(...all.map((x, i) => Math.abs(x - found[i])));
  assert(worst < 1e-5 * largest, `${name} differs by ${worst} of ${largest}`);
}

const onGpu = () => workspacesOn({ device: "webgpu", threads: 1 });

Deno.test({
  ...onSoftwareGpu("a workspace on the GPU computes what the CPU's does"),
  async fn() {
    await using gpu = onGpu();
    await using cpu = workspacesOn({});
    using here = cpu.enter();
    for (const [name, operate] of Object.entries(operations)) {
      using there = gpu.enter();
      const expected = await here.read(await operate(here, drawn()));
      const made = await operate(there, drawn());
      assertNear(await there.read(made), expected, name);
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

/** Samplers with each kind of step: with memory, with noise, with an input scale, clipped. */
const samplers: Readonly<Record<string, [SamplerKind, object]>> = {
  ddim: ["ddim", { clip_sample: false }],
  "ddim, clipped": ["ddim", { clip_sample: true, clip_sample_range: 0.5 }],
  pndm: ["pndm", {}],
  "dpm-solver++": ["dpm-solver++", {}],
  euler: ["euler", {}],
  lcm: ["lcm", {}],
};

/** Runs all steps with random outputs, and back: the last latents, and cotangents of each output and the first latents. */
async function chained(w: Workspace, sampler: Sampler): Promise<number[]> {
  const random = new TorchGenerator(2);
  const net = superNet(model, { steps: sampler.steps.length });
  const request = { sampler, guidanceScale: 3 };
  const tape = new Tape(w);
  const arithmetic = new SamplerArithmetic(net, request, tape);
  const noise = drawStepNoise(sampler, { shape: latents, random });
  const { shape } = net.blocks[net.blocks.length - 1].graph.outputs[0];
  const outputs = sampler.steps.map(() => random.randn(shape));
  const states = [await arithmetic.start(random.randn(latents))];
  for (const [t, output] of outputs.entries()) {
    const made = { state: states[t], output, noise: noise[t] };
    states.push((await arithmetic.next(t, made)).state);
  }
  const last = states[states.length - 1];
  const back = new Cotangents(w);
  await back.add(last.latents, random.randn(latents));
  await back.add(last.sample, random.randn(last.sample.shape));
  await back.through(tape.cut());
  const given = [...outputs, states[0].latents];
  const made = [last.latents, last.sample, ...given.map((x) => back.take(x)!)];
  const arrays: number[] = [];
  for (const each of made) {
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
      await using gpu = onGpu();
      await using cpu = workspacesOn({});
      using there = gpu.enter();
      using here = cpu.enter();
      const expected = await chained(here, sampler);
      assertNear(await chained(there, sampler), expected, name);
    },
  });
}

Deno.test({
  ...onSoftwareGpu(
    "keepOnly() gives back what no root leads to, disposing the rest",
  ),
  async fn() {
    await using workspaces = onGpu();
    const { a } = drawn();
    const times = (factor: number) => a.data.map((x) => factor * x);
    await withTraffic(async ({ made, disposed }) => {
      const w = workspaces.enter();
      const one = await w.combined([[2, a]]);
      await w.combined([[3, a]]);
      const three = await w.combined([[4, a]]);
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
