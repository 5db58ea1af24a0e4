/** Original checkpoints with the names of `testdata/original`, which diffusers' conversion confirmed. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  consoleWarnings,
  craftStateDict,
  inTemporaryFolder,
} from "@dip-go/testing/files";
import { originalCheckpoint, originalKinds } from "@dip-go/testing/models";
import { readRange } from "../files/byte_range.ts";
import { autoencoderKind } from "../models/autoencoder/autoencoder_kl.ts";
import type { WeightSource } from "../models/block_graph/weights.ts";
import { clipTextKind } from "../models/clip/clip_load.ts";
import { type ComponentKind, loadComponent } from "../models/component.ts";
import { mmditJson } from "../models/original/mmdit_json.ts";
import { networkKind, readNetwork } from "../models/load.ts";
import { float32 } from "../tensor/tensor.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import { writeSafetensors } from "../weights/safetensors.ts";
import { modelPlace } from "./model_place.ts";
import { loadPipeline } from "./pipeline.ts";

const pathOf = (name: string) =>
  decodeURIComponent(new URL(`../../${name}`, import.meta.url).pathname);
const zoo = pathOf("zoo/models/sd-shapes/tokenizer");

const first = originalCheckpoint(originalKinds[0]);

const kindOf = (part: string): ComponentKind<unknown> =>
  (part === "unet"
    ? networkKind
    : part === "vae"
    ? autoencoderKind
    : clipTextKind) as ComponentKind<unknown>;

function valuesOf({ data, file }: ReturnType<WeightSource>): Uint8Array {
  if (data) return new Uint8Array(data.data.buffer.slice(0));
  const { path, offset: begin, length } = file!;
  return readRange(path, { begin, end: begin + length });
}

async function putTokenizer(folder: string): Promise<void> {
  for (const name of ["vocab.json", "merges.txt"]) {
    await Deno.copyFile(`${zoo}/${name}`, `${folder}/${name}`);
  }
}

for (const name of originalKinds) {
  Deno.test(`a checkpoint of ${name} has the weights of its folder, and draws with what its tensors tell`, () =>
    inTemporaryFolder(async (folder) => {
      const { original, ours } = name === originalKinds[0]
        ? first
        : originalCheckpoint(name);
      const file = `${folder}/model.safetensors`;
      await writeSafetensors(file, original);
      await putTokenizer(folder);
      const lines = await consoleWarnings(async () => {
        const { folder: told, checkpoint } = await modelPlace(file);
        assertEquals(checkpoint, file);
        for (const [part, expected] of Object.entries(ours)) {
          const { weights } = await loadComponent(
            `${told}/${part}`,
            kindOf(part),
            { weights: file },
          );
          for (const [key, { shape, data }] of expected) {
            const own = /attentions\.0\.to_/.test(key) && part === "vae"
              ? shape.slice(0, key.endsWith("bias") ? 1 : 2)
              : shape;
            const bytes = new Uint8Array(data.buffer.slice(0));
            assertEquals(valuesOf(weights(key, own)), bytes, key);
          }
        }
        const pipeline = await loadPipeline(file);
        const sampler = pipeline.sampler({ steps: 1, height: 16, width: 16 });
        const [picture] = await sampler.sample("a red circle", { seed: 0 });
        assertEquals(picture.shape, [3, 16, 16]);
        assert(picture.data.every(Number.isFinite));
      });
      assertEquals(lines, []);
    }));
}

for (const name of ["Stable Diffusion 3", "FLUX.1"]) {
  Deno.test(`a checkpoint of ${name} tells its transformer, and has the weights of its folder`, () =>
    inTemporaryFolder(async (folder) => {
      const { original, ours } = originalCheckpoint(name);
      const file = `${folder}/model.safetensors`;
      await writeSafetensors(file, original);
      const { tensors } = openTensorFile(file);
      assertEquals(tensors.size, original.size);
      const json = mmditJson(openTensorFile(file))!;
      await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(json));
      const { config, weights } = await loadComponent(folder, networkKind, {
        weights: file,
      });
      assertEquals(await readNetwork(file), config);
      const keys = [...networkKind.parameters(config)];
      assertEquals(
        keys.map(([key]) => key).sort(),
        [...ours.transformer.keys()].sort(),
      );
      for (const [key, shape] of keys) {
        const { data } = ours.transformer.get(key)!;
        const bytes = new Uint8Array(data.buffer.slice(0));
        assertEquals(valuesOf(weights(key, shape)), bytes, key);
      }
    }));
}

Deno.test("a checkpoint of SD3 needs the folder of a pipeline, which gives the parts that it lacks", () =>
  inTemporaryFolder(async (folder) => {
    const { original } = originalCheckpoint("Stable Diffusion 3");
    const file = `${folder}/model.safetensors`;
    await writeSafetensors(file, original);
    await assertRejects(
      () => modelPlace(file),
      TypeError,
      `Cannot load model ${file}: it is a checkpoint of the family sd3 in the original layout, which needs a config`,
    );
    const pipeline = pathOf("testdata/pipelines/sd3");
    assertEquals(await modelPlace(file, pipeline), {
      folder: pipeline,
      checkpoint: file,
    });
    const { weights } = await loadComponent(
      `${pipeline}/vae`,
      autoencoderKind,
      {
        weights: file,
      },
    );
    assert(weights("decoder.conv_out.bias", [3]).file!.path !== file);
  }));

Deno.test("a torch file of a training is a checkpoint in the original layout too", () =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/v1.ckpt`;
    await Deno.writeFile(file, craftStateDict(first.original));
    assertEquals((await readNetwork(file)).config.sampleSize, 64);
  }));

Deno.test("a checkpoint without a tokenizer, a folder with a config, and another file are refused", () =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/model.safetensors`;
    await writeSafetensors(file, first.original);
    await assertRejects(
      () => modelPlace(file),
      Deno.errors.NotFound,
      `Cannot load model ${file}: a checkpoint holds no tokenizer, and none lies beside it; give the folder of a pipeline of its kind as config`,
    );
    await assertRejects(
      () => modelPlace(folder, "zoo/models/sd-shapes"),
      TypeError,
      "expected none, as the model is a folder with its own",
    );
    await writeSafetensors(
      file,
      new Map([["conv_in.weight", float32([1], [0])]]),
    );
    await assertRejects(
      () => modelPlace(file, "zoo/models/sd-shapes"),
      TypeError,
      "its tensors are not those of a checkpoint in the original layout",
    );
  }));
