import { assert } from "@std/assert";
import type { Graph } from "@dip-go/core/onnx";
import { isGuided, openFullSampler } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import {
  drawStepNoise,
  makeSampler,
  parseSchedulerConfig,
  type StepNoise,
} from "@dip-go/core/samplers";
import {
  float32,
  joinedArrays,
  stacked,
  type Tensor,
  unstacked,
} from "@dip-go/core/tensor";
import { randomConditions, tinyUnet } from "@dip-go/testing/models";
import {
  featureInputs,
  sharedInputs,
} from "./compile/compiled_conditioning.ts";
import { compileSubNet } from "./compile/compile_sub_net.ts";
import { denseGates, type Gate } from "./gates/gates.ts";
import { superNet } from "./gates/super_net.ts";
import { SubNetRunner } from "./sampling/sub_net.ts";
import { openTrainingForm, type RealGates } from "./training/training_form.ts";

const steps = 3;
const images = 2;

/** UNets of other families, on latents whose sizes no resolution divides. */
const families = {
  "a latent consistency model, which runs once": {
    scheduler: "LCMScheduler",
    guidanceScale: 1,
    latents: { height: 7, width: 5 },
    own: { guidanceChannels: 6 },
  },
  "an inpainting network with a resnet alone in the middle": {
    scheduler: "DDIMScheduler",
    guidanceScale: 2,
    latents: { height: 5, width: 9 },
    own: { inpaints: true, middle: [null] },
  },
};

function subjectOf(
  { scheduler, guidanceScale, latents, own }:
    typeof families[keyof typeof families],
) {
  const batch = guidanceScale > 1 ? 2 * images : images;
  const model = tinyUnet({ batch, granularity: "block", latents, own });
  const config = parseSchedulerConfig({
    _class_name: scheduler,
    clip_sample: false,
    prediction_type: "epsilon",
    beta_schedule: "scaled_linear",
    beta_start: 0.00085,
    beta_end: 0.012,
  }, "test");
  const sampler = makeSampler(config, { steps });
  const shape = [images, 3, latents.height, latents.width];
  const random = new TorchGenerator(3);
  return {
    net: superNet(model, { steps }),
    request: {
      latents: random.randn(shape),
      noise: drawStepNoise(sampler, { shape, random }),
      conditioning: withOneMask(randomConditions(model)),
      sampler,
      guidanceScale,
    },
  };
}

/** Gives both halves of a batch the same masked picture, as pipelines do. */
function withOneMask(
  conditioning: Record<string, Tensor>,
): Record<string, Tensor> {
  const { masked_latents: masked, ...rest } = conditioning;
  if (!masked) return rest;
  const own = unstacked(masked as Tensor<"float32">).slice(0, images);
  return { ...rest, masked_latents: stacked([...own, ...own]) };
}

function assertClose(found: Tensor, expected: Tensor): void {
  const [have, want] = [found.data, expected.data] as Float32Array[];
  const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const worst = have.reduce((m, v, i) => Math.max(m, Math.abs(v - want[i])), 0);
  assert(worst < 2e-5 * largest, `differs by ${worst} of ${largest}`);
}

/** The halves of a batch, under the names of a compiled graph's inputs. */
const halves = (conditioning: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(conditioning).flatMap(([name, tensor]) => {
      const each = unstacked(tensor as Tensor<"float32">);
      const own = [name, stacked(each.slice(0, images))];
      return sharedInputs.includes(name) ? [own] : [
        own,
        [`negative_${name}`, stacked(each.slice(images))],
      ];
    }),
  );

/** The noise of the steps that add some, if the graph reads any. */
function stepNoiseInput(
  { inputs }: Graph,
  noise: StepNoise,
): Record<string, Tensor> {
  const input = inputs.find(({ name }) => name === "step_noise");
  if (!input) return {};
  const drawn = noise.filter((each) => each !== undefined);
  return { step_noise: float32(input.shape, joinedArrays(drawn)) };
}

for (const [name, family] of Object.entries(families)) {
  Deno.test(`gates all open are the plain sampler: ${name}`, async () => {
    const { net, request } = subjectOf(family);
    await using full = await openFullSampler(net.model, {});
    await using runner = new SubNetRunner(net);
    const gates = denseGates(steps, net.units.length);
    assertClose(
      await runner.sample({ ...request, gates }),
      await full.sample(request),
    );
  });

  Deno.test(`a compiled SubNet samples as block sessions do: ${name}`, async () => {
    const { net, request } = subjectOf(family);
    const { sampler, guidanceScale, noise } = request;
    const random = new TorchGenerator(5);
    const gates = Array.from(
      { length: steps },
      (_, t) =>
        net.units.map((): Gate => t === 0 || random.uniform() < 0.5 ? 1 : 0),
    );
    await using runner = new SubNetRunner(net);
    const guided = isGuided(guidanceScale);
    const graph = await compileSubNet({
      net,
      sampler,
      guidanceScale,
      conditioning: featureInputs(net.model, { guided }),
      plan: { gates },
    });
    await using session = await openSession(graph);
    const { latents } = await session.run({
      ...guided ? halves(request.conditioning) : request.conditioning,
      noise: request.latents,
      ...stepNoiseInput(graph, noise),
    });
    assertClose(latents, await runner.sample({ ...request, gates }));
  });

  Deno.test(`gradient() agrees with central differences: ${name}`, async () => {
    const { net, request } = subjectOf(family);
    const direction = new TorchGenerator(6).randn(request.latents.shape).data;
    await using form = await openTrainingForm(net);
    const gates = Array.from(
      { length: steps },
      (_, t) => net.units.map((_, n) => t === 0 ? 1 : 0.3 + 0.4 * (n % 2)),
    );
    const at = async (moved: RealGates) => {
      const { data } = await form.sample({ ...request, gates: moved });
      return data.reduce((sum, v, i) => sum + v * direction[i], 0);
    };
    const { gates: gradient } = await form.gradient(
      { ...request, gates },
      () => direction,
    );
    const scale = Math.max(...gradient.flat().map(Math.abs));
    const h = 3e-2;
    for (const [t, n] of [[1, 1], [2, 4]]) {
      const moved = (by: number) =>
        gates.with(t, gates[t].with(n, gates[t][n] + by));
      const numeric = (await at(moved(h)) - await at(moved(-h))) / (2 * h);
      const error = Math.abs(numeric - gradient[t][n]) / scale;
      assert(error < 5e-3, `[${t}][${n}]: ${gradient[t][n]}, not ${numeric}`);
    }
  });
}
