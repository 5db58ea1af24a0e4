import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TorchGenerator } from "../tensor/random.ts";
import { makeSampler, parseSchedulerConfig } from "@dip-go/core/samplers";
import { inTinyPipeline } from "@dip-go/testing/models";
import { PictureSampler } from "./picture_sampler.ts";
import { loadPipeline } from "./pipeline.ts";
import { openFullSampler } from "./sampling/full_sampler.ts";

Deno.test("loadPipeline() reads a model of classes and knows its family's usual sampler", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  assertEquals([pipeline.drawsPixels, pipeline.tokens], [true, undefined]);
  const sampler = pipeline.sampler();
  const { steps, calls, guidanceScale, granularity, latents } = sampler;
  assertEquals([steps, calls, guidanceScale, granularity], [
    20,
    20,
    2,
    "sublayer",
  ]);
  assertEquals(latents, [3, 24, 24]);
  assertEquals(sampler.graph().inputs[0].shape, [2, 3, 24, 24]);
  assertEquals(await sampler.openDecoder(), null);
});

Deno.test("a sampler's graph has both halves of guidance, and PNDM's extra call is its own", async () => {
  const pipeline = await loadPipeline("zoo/models/sd-shapes");
  const sampler = pipeline.sampler({ steps: 3 });
  assertEquals([sampler.calls, sampler.withSteps(5).calls], [4, 6]);
  assertEquals(sampler.guidanceScale, 7.5);
  const [sample, , text] = sampler.graph({ images: 3 }).inputs;
  assertEquals(sample.shape, [6, 4, 16, 16]);
  await using conditioner = await sampler.openConditioner();
  const conditioning = await conditioner.conditioning(["a", "b", "c"]);
  assertEquals(conditioning[text.name].shape, text.shape);
  const random = new TorchGenerator(0);
  const inputs = sampler.inputs(conditioning, { images: 3, random });
  assertEquals(inputs.latents.shape, [3, 4, 16, 16]);
  await using decoder = (await sampler.openDecoder())!;
  const pictures = await decoder.decode(inputs.latents);
  assertEquals(pictures.shape, [3, 3, 64, 64]);
});

Deno.test("withSteps() takes another solver, along the lines of flow matching too", async () => {
  const sd = await loadPipeline("zoo/models/sd-shapes");
  const unipc = sd.sampler({ steps: 6 }).withSteps(4, { kind: "unipc" });
  assertEquals(unipc.sampler, sd.sampler({ steps: 4, kind: "unipc" }).sampler);
  const lcm = { steps: 6, kind: "lcm", originalInferenceSteps: 40 } as const;
  const freed = sd.sampler(lcm).withSteps(4, { kind: "unipc" });
  assertEquals(freed.sampler, unipc.sampler);
  const timesteps = [900, 500, 100];
  const listed = { kind: "dpm-solver++", timesteps } as const;
  const few = sd.sampler().withSteps(3, { ...listed, order: 1 });
  assertEquals(few.steps, 3);
  assertEquals(few.sampler.memory, 0);
  assertEquals(sd.sampler().withSteps(3, listed).sampler.memory, 1);
  const flow = await loadPipeline("zoo/models/mmdit-shapes");
  const sampler = flow.sampler({ steps: 6 });
  const { sampler: { steps } } = sampler.withSteps(3, { kind: "unipc" });
  const expected = makeSampler(
    parseSchedulerConfig({
      _class_name: "UniPCMultistepScheduler",
      num_train_timesteps: 1000,
      prediction_type: "flow_prediction",
      use_flow_sigmas: true,
      flow_shift: 1,
    }, "test"),
    { steps: 3 },
  );
  assertEquals(steps, expected.steps);
});

Deno.test("sampler() refuses options that it does not know, which code without types may give", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const given: Readonly<Record<string, object>> = {
    "stepz is 5, expected no key but steps, ": { stepz: 5 },
    'guidanceScale is "3", expected a number from 0': { guidanceScale: "3" },
    'backup is "outputs", expected output or residual': { backup: "outputs" },
  };
  for (const [message, options] of Object.entries(given)) {
    assertThrows(() => pipeline.sampler(options), RangeError, message);
  }
});

Deno.test("a network alone loads, and says that it has no scheduler when it is sampled", async () => {
  const folder = "zoo/models/dit-shapes/transformer";
  const pipeline = await loadPipeline(folder);
  assertThrows(
    () => pipeline.sampler(),
    RangeError,
    `Cannot sample ${folder}: it has no scheduler/scheduler_config.json`,
  );
  await assertRejects(
    () => loadPipeline("no/such/place"),
    Deno.errors.NotFound,
    "no/such/place",
  );
});

Deno.test("a pipeline's index says which scheduler reads its configuration, as in diffusers", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const nameOf = async () =>
      (await loadPipeline(folder)).sampler({ steps: 2 }).sampler.name;
    assertEquals(await nameOf(), "pndm");
    const index = {
      _class_name: "StableDiffusionPipeline",
      scheduler: ["diffusers", "EulerDiscreteScheduler"],
    };
    const file = `${folder}/model_index.json`;
    await Deno.writeTextFile(file, JSON.stringify(index));
    assertEquals(await nameOf(), "euler");
  });
});

Deno.test("Stable Diffusion's classes set keys that early files of schedulers have wrong, as in diffusers", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const file = `${folder}/scheduler/scheduler_config.json`;
    const early = {
      ...JSON.parse(await Deno.readTextFile(file)),
      ...{ clip_sample: true, skip_prk_steps: false, steps_offset: 0 },
    };
    await Deno.writeTextFile(file, JSON.stringify(early));
    const keysOf = async (_class_name: string) => {
      const index = JSON.stringify({ _class_name });
      await Deno.writeTextFile(`${folder}/model_index.json`, index);
      const { scheduler } = await loadPipeline(folder);
      const { clip_sample, skip_prk_steps, steps_offset } = scheduler!.values;
      return [clip_sample, skip_prk_steps, steps_offset];
    };
    assertEquals(await keysOf("StableDiffusionPipeline"), [false, false, 1]);
    assertEquals(
      await keysOf("StableDiffusionInpaintPipeline"),
      [true, true, 1],
    );
    assertEquals(
      await keysOf("LatentConsistencyModelPipeline"),
      [true, false, 0],
    );
  });
});

Deno.test("a drawing with once closes the network before it decodes the last batch", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  const sampler = pipeline.sampler({ steps: 1 });
  const told: string[] = [];
  const from = {
    calls: sampler.calls,
    openConditioner: () => sampler.openConditioner(),
    prepareStart: () => sampler.prepareStart(),
    inputs: (...args: Parameters<typeof sampler.inputs>) =>
      sampler.inputs(...args),
    openDecoder() {
      told.push("decoder");
      return Promise.resolve(null);
    },
  };
  const opened = async (images: number) => {
    const { sample, ...own } = await openFullSampler(
      sampler.graph({ images }),
      {},
    );
    return {
      sample,
      [Symbol.asyncDispose]() {
        told.push("closed");
        return own[Symbol.asyncDispose]();
      },
    };
  };
  await using drawing = new PictureSampler(from, opened);
  await drawing.sample([1, 2], { batch: 1 });
  assertEquals(told, ["decoder"]);
  await drawing.sample([1, 2], { batch: 1, once: true });
  assertEquals(told, ["decoder", "closed"]);
});
