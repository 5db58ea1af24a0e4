/** For tests: checks that a GPU agrees with the CPU in samples and gates' gradients, and what crosses between them. */
import { assert, assertEquals } from "@std/assert";
import type { SamplingInputs } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import type { SessionOptions } from "@dip-go/core/runtime";
import { sizeOf } from "@dip-go/core/tensor";
import {
  denseGates,
  type Gates,
  liveBlocks,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import { openTrainingForm, type RealGates } from "@dip-go/supernet/training";
import { type DeviceTraffic, withTraffic } from "./device_traffic.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";

export const cpu: SessionOptions = {};
export const webgpu: SessionOptions = { device: "webgpu" };

/** A SuperNet, and the request that both devices sample. */
export interface Subject {
  readonly net: SuperNet;
  readonly request: SamplingInputs;
}

/** The largest difference of two arrays, over the largest magnitude of the expected values. */
export function distance(
  expected: ArrayLike<number>,
  found: ArrayLike<number>,
): number {
  const [a, b] = [Array.from(expected), Array.from(found)];
  assertEquals(a.length, b.length);
  const largest = Math.max(...a.map(Math.abs));
  assert(largest > 0, "expected values that are not all zero");
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / largest;
}

/** Gates of 1 for the first step, then for every second unit and the whole step: features are held and read. */
export const halfClosed = ({ steps, units }: SuperNet): Gates =>
  Array.from(
    { length: steps },
    (_, t) =>
      units.map((_, n) =>
        t === 0 || n % 2 === t % 2 || n === units.length - 1 ? 1 : 0
      ),
  );

/** The final latents of a SubNet, and the traffic between host and device on the way to them. */
export async function sampled(
  { net, request }: Subject,
  gates: Gates,
  options: SessionOptions,
): Promise<{ latents: Float32Array; traffic: DeviceTraffic }> {
  await using runner = new SubNetRunner(net, options);
  await using subNet = await openFusedSubNet(runner, { gates });
  return await withTraffic(async (traffic) => ({
    latents: (await subNet.sample(request)).data,
    traffic,
  }));
}

/**
 * Asserts that each tensor on the GPU is given back once, that conditioning is
 * sent once, and that of large tensors only the latents come back, once.
 */
export function checkTraffic(
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

/** Adds the test that a SubNet samples the same latents on the GPU as on the CPU. */
export function testSampling(
  name: string,
  subject: () => Subject | Promise<Subject>,
): void {
  Deno.test({
    ...onSoftwareGpu(
      `a SubNet with held features on the GPU samples as on the CPU: ${name}`,
    ),
    fn: async () => checkSampling(await subject()),
  });
}

/** Adds the test that the training form's latents and gates' gradients are the same on the GPU as on the CPU. */
export function testGradients(
  name: string,
  subject: () => Subject | Promise<Subject>,
): void {
  Deno.test({
    ...onSoftwareGpu(
      `training form and gate gradients on the GPU are those of the CPU: ${name}`,
    ),
    fn: async () => checkGradients(await subject()),
  });
}
