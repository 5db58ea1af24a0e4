import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { float32, type Tensor, zeros } from "../tensor/tensor.ts";
import { openSafetensors, writeSafetensors } from "../weights/safetensors.ts";
import { blockGraphOf, loadModel, ofFamily } from "./load.ts";

const fixture = decodeURIComponent(
  new URL("../../testdata/dit", import.meta.url).pathname,
);
const weightFile = "diffusion_pytorch_model.safetensors";
const key = "transformer_blocks.1.attn1.to_q.bias";

function fixtureWeights(): Map<string, Tensor> {
  const file = openSafetensors(`${fixture}/${weightFile}`);
  return new Map(
    [...file.tensors.keys()].map((name) => [name, file.read(name)]),
  );
}

/** Writes the fixture's network into `folder`, with changed weights. */
async function writeNetwork(
  folder: string,
  change: (weights: Map<string, Tensor>) => void,
  options?: Parameters<typeof writeSafetensors>[2],
) {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.copyFile(`${fixture}/config.json`, `${folder}/config.json`);
  const weights = fixtureWeights();
  change(weights);
  await writeSafetensors(`${folder}/${weightFile}`, weights, options);
}

Deno.test("loadModel() leaves float32 weights in their file", async () => {
  const { family, weights, schedulerConfig } = await loadModel(fixture);
  assertEquals([family, schedulerConfig], ["dit", null]);
  const { data, file } = weights(key, [64]);
  assertEquals(data, undefined);
  assertEquals(file!.path, `${fixture}/${weightFile}`);
  const bytes = (await Deno.readFile(file!.path)).slice(file!.offset);
  assertEquals(
    new Float32Array(bytes.buffer, 0, file!.length / 4),
    fixtureWeights().get(key)!.data,
  );
});

Deno.test("loadModel() reads a pipeline, and finds its scheduler", () =>
  inTemporaryFolder(async (folder) => {
    await writeNetwork(`${folder}/transformer`, () => {});
    const write = (name: string, json: unknown) =>
      Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(json));
    await Deno.mkdir(`${folder}/scheduler`);
    await write("scheduler/scheduler_config.json", {});
    const controlnet = ["diffusers", "ControlNetModel"]; // of another class
    await write("model_index.json", { _class_name: "DiTPipeline", controlnet });
    const model = await loadModel(folder);
    const { config, schedulerConfig } = ofFamily(model, "dit", "test");
    assertEquals(config.layers, 3);
    assertEquals(schedulerConfig, `${folder}/scheduler/scheduler_config.json`);

    await write("model_index.json", { _class_name: "KandinskyPipeline" });
    await assertRejects(
      () => loadModel(folder),
      TypeError,
      `${folder}/model_index.json: key "_class_name" is "KandinskyPipeline", expected "DiTPipeline"`,
    );
    await write("model_index.json", {
      _class_name: "DiTPipeline",
      vae: "sdxl-vae",
    });
    await assertRejects(
      () => loadModel(folder),
      TypeError,
      'key "vae" is "sdxl-vae", expected a library and a class',
    );
  }));

const broken: [string, (weights: Map<string, Tensor>) => void, string][] = [
  [
    "a missing weight",
    (weights) => weights.delete(key),
    `tensor "${key}" is missing, expected float32[64]`,
  ],
  [
    "another shape",
    (weights) => weights.set(key, zeros([65])),
    `tensor "${key}" is [65], expected [64]`,
  ],
  [
    "a NaN",
    (weights) => weights.set(key, float32([64], Array(64).fill(NaN))),
    `tensor "${key}" is not finite`,
  ],
];

for (const [what, change, message] of broken) {
  Deno.test(`loadModel() refuses ${what}`, () =>
    inTemporaryFolder(async (folder) => {
      await writeNetwork(folder, change);
      const error = await assertRejects(
        () => loadModel(folder),
        RangeError,
        message,
      );
      assert(error.message.includes(`${folder}/${weightFile}`));
    }));
}

const pipelines = [
  ["StableDiffusionPipeline", "unet", "unet-sd21", "unet"],
  ["PixArtAlphaPipeline", "transformer", "pixart", "pixart"],
] as const;

for (const [pipeline, part, recorded, family] of pipelines) {
  Deno.test(`loadModel() finds the network of a ${pipeline}`, () =>
    inTemporaryFolder(async (folder) => {
      const network = fixture.replace(/dit$/, recorded);
      await Deno.mkdir(`${folder}/${part}`);
      for (const name of ["config.json", weightFile]) {
        await Deno.copyFile(`${network}/${name}`, `${folder}/${part}/${name}`);
      }
      await Deno.writeTextFile(
        `${folder}/model_index.json`,
        JSON.stringify({ _class_name: pipeline }),
      );
      const model = await loadModel(folder);
      const textWidth = recorded === "pixart" ? 40 : 48;
      assertEquals(ofFamily(model, family, "test").config.textWidth, textWidth);
      assertThrows(
        () => ofFamily(model, "dit", "draw classes"),
        TypeError,
        `Cannot draw classes: the model is a ${family}, expected a dit`,
      );
    }));
}

Deno.test("loadModel() refuses Stable Diffusion 2.1's weights under 1.5's configuration, naming file and tensor", () =>
  inTemporaryFolder(async (folder) => {
    const copy = (network: string, name: string) =>
      Deno.copyFile(
        `${fixture.replace(/dit$/, network)}/${name}`,
        `${folder}/${name}`,
      );
    await copy("unet-sd15", "config.json");
    await copy("unet-sd21", weightFile);
    const { message } = await assertRejects(
      () => loadModel(folder),
      RangeError,
      'tensor "down_blocks.0.attentions.0.proj_in.weight" is [16,16], expected [16,16,1,1]',
    );
    assert(message.includes(`${folder}/${weightFile}`), message);
  }));

Deno.test("blockGraphOf() refuses latents that patches do not tile", async () => {
  const model = await loadModel(fixture);
  const latents = { height: 16, width: 23 };
  assertThrows(
    () => blockGraphOf(model, { batch: 1, latents }),
    RangeError,
    "Cannot build a DiT: latents are 16x23, expected multiples of the patch size 2",
  );
});

Deno.test("loadModel() refuses a network of no known family", () =>
  inTemporaryFolder(async (folder) => {
    const config = { _class_name: "HunyuanDiT2DModel" };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
    await assertRejects(
      () => loadModel(folder),
      TypeError,
      `${folder}/config.json: key "_class_name" is "HunyuanDiT2DModel", expected "UNet2DConditionModel"`,
    );
  }));

Deno.test("loadModel() says what a folder without a model lacks", () =>
  inTemporaryFolder(async (folder) => {
    await assertRejects(
      () => loadModel(folder),
      Deno.errors.NotFound,
      `Cannot load model ${folder}: found neither model_index.json nor config.json`,
    );
  }));
