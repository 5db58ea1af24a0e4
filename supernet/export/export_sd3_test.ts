import { loadPipeline } from "@dip-go/core";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { assert, assertEquals } from "@std/assert";
import { compileSubNet } from "../compile/compile_sub_net.ts";
import type { Gate } from "../gates/gates.ts";
import { planFor } from "../gates/plan.ts";
import { superNetOf } from "../gates/super_net.ts";
import { SubNetRunner } from "../sampling/sub_net.ts";
import { exampleOf } from "./export_example.ts";
import { compileRequestOf } from "./export_form.ts";

const largestDifference = (a: Tensor, b: Tensor): number => {
  assertEquals(a.shape, b.shape);
  const [one, other] = [a, b].map(({ data }) => data as Float32Array);
  return Math.max(...one.map((x, i) => Math.abs(x - other[i])));
};

Deno.test("a SubNet of the embedded SD3, a step of its conditional half among it, draws alike block by block, a session a step, and as one graph", async () => {
  const pipeline = await loadPipeline("zoo/models/mmdit-shapes");
  const sampler = pipeline.sampler({
    steps: 4,
    guidanceScale: 4.5,
    maxSequenceLength: 1,
    granularity: "sublayer",
    backup: "residual",
  });
  const net = superNetOf(sampler);
  const gates = Array.from(
    { length: 4 },
    (_, t) => net.units.map((_, n): Gate => t > 0 && (n + t) % 3 === 0 ? 0 : 1),
  );
  const halves = ["both", "both", "conditional", "both"] as const;
  const plan = planFor(sampler, net, { gates, halves });
  const form = { latents: true };
  const subject = "a large red circle on the left";
  const request = await compileRequestOf(sampler, plan, form);
  const { inputs, outputs: { latents } } = await exampleOf(sampler, request, {
    ...form,
    subject,
    seed: 5,
  });
  await using compiled = await openSession(await compileSubNet(request));
  const { latents: atOnce } = await compiled.run(inputs);
  assert(largestDifference(atOnce, latents) < 1e-4);
  await using conditioner = await sampler.openConditioner();
  await using runner = new SubNetRunner(net);
  const conditioning = await conditioner.conditioning([subject]);
  const random = new TorchGenerator(5);
  const apart = await runner.sample({
    ...sampler.inputs(conditioning, { images: 1, random }),
    gates,
    halves,
  });
  assert(largestDifference(apart, latents) < 1e-4);
});
