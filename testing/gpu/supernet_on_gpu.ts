/** Sampling and gate gradients on a GPU, in float32 those of the CPU; and in float16. */
import { assert, assertEquals } from "@std/assert";
import { tinyDit } from "../models/tiny_dit.ts";
import { loadPipeline } from "@dip-go/core";
import { ditBlockGraph } from "@dip-go/core/models";
import type { SamplingInputs, Subject as Shown } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import type { SessionOptions } from "@dip-go/core/runtime";
import { makeSampler, parseSchedulerConfig } from "@dip-go/core/samplers";
import { int64, sizeOf } from "@dip-go/core/tensor";
import {
  denseGates,
  type ForecastScalars,
  type Gate,
  type Gates,
  liveBlocks,
  type SuperNet,
  superNet,
  superNetOf,
} from "@dip-go/supernet/gates";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import { openTrainingForm, type RealGates } from "@dip-go/supernet/training";
import { livelyWeights } from "@dip-go/core/models";
import { type DeviceTraffic, withTraffic } from "./device_traffic.ts";
import { tinyText, tinyUnet } from "../models/tiny_unet.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";

const cpu: SessionOptions = {};
const webgpu: SessionOptions = { device: "webgpu" };

/** What agreement is asked of. */
interface Subject {
  readonly net: SuperNet;
  readonly request: SamplingInputs;
}

/** The most that any value moves, over the largest. */
function distance(
  expected: ArrayLike<number>,
  found: ArrayLike<number>,
): number {
  const [a, b] = [Array.from(expected), Array.from(found)];
  assertEquals(a.length, b.length);
  const largest = Math.max(...a.map(Math.abs));
  assert(largest > 0, "expected values that are not all zero");
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / largest;
}

/** The first step whole, then every second unit, and the whole step: features are held, written and read. */
const halfClosed = ({ steps, units }: SuperNet): Gates =>
  Array.from(
    { length: steps },
    (_, t) =>
      units.map((_, n) =>
        t === 0 || n % 2 === t % 2 || n === units.length - 1 ? 1 : 0
      ),
  );

/** Final latents, and what crossed from the GPU on the way to them. */
async function sampled(
  { net, request }: Subject,
  gates: Gates,
  options: SessionOptions,
): Promise<{ latents: Float32Array; traffic: DeviceTraffic }> {
  await using runner = new SubNetRunner(net, options);
  await using subNet = await openFusedSubNet(runner, gates);
  return await withTraffic(async (traffic) => ({
    latents: (await subNet.sample(request)).data,
    traffic,
  }));
}

/** Every tensor made on the GPU was given back, once; what came from there is small, but for the latents, once; what the model reads at every step was sent once. */
function checkTraffic(
  { toDevice, toHost, made, disposed }: DeviceTraffic,
  { request: { conditioning, latents } }: Subject,
): void {
  for (const { dtype, shape } of Object.values(conditioning)) {
    const size = sizeOf(shape);
    const sent = toDevice.filter((each) => each === size).length;
    if (dtype === "float32") assertEquals(sent, 1);
  }
  assert(made.length > 0);
  assertEquals(disposed.toSorted((a, b) => a - b), [...made.keys()]);
  const samples = latents.shape[0];
  const large = toHost.filter((size) => size > 2 * samples);
  assertEquals(large, [latents.data.length]);
}

async function checkSampling(subject: Subject): Promise<void> {
  const { net } = subject;
  const gates = halfClosed(net);
  assert(liveBlocks(net, gates).some((live) => live.includes(false)));
  const expected = await sampled(subject, gates, cpu);
  const dense = denseGates(net.steps, net.units.length);
  const full = await sampled(subject, dense, cpu);
  assert(distance(full.latents, expected.latents) > 1e-3);
  const found = await sampled(subject, gates, webgpu);
  const moved = distance(expected.latents, found.latents);
  assert(moved < 1e-3, `latents differ by ${moved}`);
  checkTraffic(found.traffic, subject);
  assertEquals(found.traffic.toHost.length, 1);
}

async function gradientOf(
  { net, request }: Subject,
  options: SessionOptions,
) {
  const random = new TorchGenerator(11);
  const gates: RealGates = Array.from(
    { length: net.steps },
    (_, t) => net.units.map(() => t === 0 ? 1 : 0.2 + 0.6 * random.uniform()),
  );
  const direction = new TorchGenerator(5).randn(request.latents.shape).data;
  await using form = await openTrainingForm(net, options);
  return await withTraffic(async (traffic) => ({
    ...await form.gradient({ ...request, gates }, () => direction),
    traffic,
  }));
}

async function checkGradients(subject: Subject): Promise<void> {
  const expected = await gradientOf(subject, cpu);
  const found = await gradientOf(subject, webgpu);
  checkTraffic(found.traffic, subject);
  const latents = distance(expected.latents.data, found.latents.data);
  assert(latents < 1e-3, `latents of the training form differ by ${latents}`);
  const gates = distance(expected.gates.flat(), found.gates.flat());
  assert(gates < 1e-3, `gradients of the gates differ by ${gates}`);
}

const ddim = parseSchedulerConfig({
  _class_name: "DDIMScheduler",
  beta_schedule: "squaredcos_cap_v2",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  timestep_spacing: "trailing",
}, "test");

const tiny = {
  latents: new TorchGenerator(3).randn([1, 3, 8, 8]),
  sampler: makeSampler(ddim, { steps: 3 }),
  guidanceScale: 2,
};

function tinyDitSubject(): Subject {
  const config = { ...tinyDit, layers: 3 };
  const options = { batch: 2, granularity: "sublayer" } as const;
  const graph = ditBlockGraph(config, livelyWeights(7), options);
  return {
    net: superNet(graph, { steps: 3 }),
    request: { ...tiny, conditioning: { class_labels: int64([2], [1, 4]) } },
  };
}

const tinySd = (): Subject => ({
  net: superNet(tinyUnet({ batch: 2, granularity: "branch" }), { steps: 3 }),
  request: { ...tiny, conditioning: tinyText(2) },
});

/** One guided picture by an embedded model, in two steps. */
async function embedded(name: string, shown: Shown): Promise<Subject> {
  const folder = new URL(`../../zoo/models/${name}`, import.meta.url).pathname;
  const pipeline = await loadPipeline(folder);
  const guided = { guidanceScale: 2, kind: "ddim", steps: 2 } as const;
  const sampler = pipeline.sampler(guided);
  await using conditioner = await pipeline.openConditioner();
  const conditioning = await conditioner.conditioning([shown]);
  const random = new TorchGenerator(0);
  return {
    net: superNetOf(sampler),
    request: sampler.inputs(conditioning, { images: 1, random }),
  };
}

const subjects: Readonly<Record<string, () => Subject | Promise<Subject>>> = {
  "a tiny DiT": tinyDitSubject,
  "a tiny UNet": tinySd,
  "dit-shapes": () => embedded("dit-shapes", 7),
  "sd-shapes": () => embedded("sd-shapes", "a red circle"),
};

for (const [name, subject] of Object.entries(subjects)) {
  Deno.test({
    ...onSoftwareGpu(
      `a SubNet with held features on the GPU samples as on the CPU: ${name}`,
    ),
    fn: async () => checkSampling(await subject()),
  });
  Deno.test({
    ...onSoftwareGpu(
      `training form and gate gradients on the GPU are those of the CPU: ${name}`,
    ),
    fn: async () => checkGradients(await subject()),
  });
}

Deno.test({
  ...onSoftwareGpu(
    "a SubNet that runs block by block keeps its features on the GPU",
  ),
  async fn() {
    const subject = tinyDitSubject();
    const { net, request } = subject;
    const gates = halfClosed(net);
    const expected = await sampled(subject, gates, cpu);
    await using runner = new SubNetRunner(net, webgpu);
    await using subNet = await openFusedSubNet(runner, gates, {
      mostWeights: 0,
    });
    await subNet.sample(request); // opens the blocks' sessions
    await withTraffic(async (traffic) => {
      const { data } = await subNet.sample(request);
      const moved = distance(expected.latents, data);
      assert(moved < 1e-3, `latents differ by ${moved}`);
      checkTraffic(traffic, subject);
      assertEquals(traffic.toHost.length, 1);
    });
  },
});

/** What an observer reads at each step of a sampler with memory, some steps of which hold their prediction. */
async function observed(options: SessionOptions): Promise<number[][]> {
  const { net: { model }, request } = tinyDitSubject();
  const sampler = makeSampler(ddim, { kind: "pndm", steps: 4 });
  const net = superNet(model, { steps: sampler.steps.length });
  const open = denseGates(net.steps, net.units.length);
  const gates = open.map((row, t) => t < 3 ? row : row.map((): Gate => 0));
  const forecast = gates.map((): ForecastScalars => [0.1, 0.5, 0.2]);
  const rows: number[][] = [];
  await using runner = new SubNetRunner(net, options);
  await using subNet = await openFusedSubNet(runner, gates);
  await subNet.sample({
    ...request,
    sampler,
    forecast,
    async observe({ read }) {
      const { state, prediction, history } = await read();
      const past = state.past.flatMap((step) => Object.values(step));
      const values = [state.latents, prediction, ...history, ...past];
      rows.push(values.flatMap((array) => [...array]));
    },
  });
  return rows;
}

Deno.test({
  ...onSoftwareGpu(
    "an observer of a SubNet on the GPU reads what it would on the CPU",
  ),
  async fn() {
    const expected = await observed(cpu);
    const found = await observed(webgpu);
    assertEquals(found.length, 5);
    for (const [step, row] of found.entries()) {
      assert(distance(expected[step], row) < 1e-3, `step ${step}`);
    }
  },
});

Deno.test("a SubNet in float16 samples nearly what it samples in float32", async () => {
  const subject = tinyDitSubject();
  const gates = halfClosed(subject.net);
  const expected = await sampled(subject, gates, cpu);
  const half = { ...cpu, precision: "float16" } as const;
  const found = await sampled(subject, gates, half);
  const moved = distance(expected.latents, found.latents);
  assert(moved > 1e-5 && moved < 1e-2, `latents differ by ${moved}`);
});
