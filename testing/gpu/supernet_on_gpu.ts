/** Tests that sampling and gate gradients on a GPU equal the CPU's, and that sampling in float16 is near. */
import { assert, assertEquals } from "@std/assert";
import type { SessionOptions } from "@dip-go/core/runtime";
import { makeSampler } from "@dip-go/core/samplers";
import {
  denseGates,
  forecastPayload,
  type ForecastScalars,
  type Gate,
  superNet,
} from "@dip-go/supernet/gates";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import { withTraffic } from "./device_traffic.ts";
import {
  checkTraffic,
  cpu,
  distance,
  halfClosed,
  sampled,
  testGradients,
  testSampling,
  webgpu,
} from "./agreement.ts";
import { onSoftwareGpu } from "./on_software_gpu.ts";
import { ddim, tinyDitSubject, tinyUnetSubject } from "./tiny_subjects.ts";

testSampling("a tiny DiT", tinyDitSubject);
testGradients("a tiny DiT", tinyDitSubject);
testSampling("a tiny UNet", tinyUnetSubject);

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
    await using subNet = await openFusedSubNet(runner, { gates }, {
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

/** The values that an observer reads at each step of a sampler with memory, whose last steps forecast the prediction. */
async function observed(options: SessionOptions): Promise<number[][]> {
  const { net: { model }, request } = tinyDitSubject();
  const sampler = makeSampler(ddim, { kind: "pndm", steps: 4 });
  const net = superNet(model, { steps: sampler.steps.length });
  const open = denseGates(net.steps, net.units.length);
  const gates = open.map((row, t) => t < 3 ? row : row.map((): Gate => 0));
  const forecast = gates.map((): ForecastScalars => [0.1, 0.5, 0.2]);
  const whole = gates.map((row) => row[row.length - 1]);
  const payloads = { [model.output]: forecastPayload(whole, forecast) };
  const rows: number[][] = [];
  await using runner = new SubNetRunner(net, options);
  await using subNet = await openFusedSubNet(runner, { gates, payloads });
  await subNet.sample({
    ...request,
    sampler,
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
