/** Tests of original checkpoints' configurations, inferred from the shapes of known networks. */
import { assertEquals, assertThrows } from "@std/assert";
import type { TensorFile } from "../../weights/tensor_file.ts";
import { tensorFile } from "../../weights/tensor_file.ts";
import { autoencoderKind } from "../autoencoder/autoencoder_kl.ts";
import { clipTextKind } from "../clip/clip_load.ts";
import { knownModel, type KnownModelName } from "../known/known_models.ts";
import { sd15Text, sd15Vae } from "../known/known_parts.ts";
import { networkKind } from "../load.ts";
import { autoencoderJson } from "./autoencoder_json.ts";
import { pipelineJson } from "./pipeline_json.ts";
import { Structure } from "./structure.ts";
import { textJson } from "./text_json.ts";
import { unetJson } from "./unet_json.ts";

/** A file with a header alone, without data. */
const fileOf = (shapes: ReadonlyMap<string, readonly number[]>): TensorFile =>
  tensorFile(
    "a.safetensors",
    new Map([...shapes].map(([name, shape]) => [
      name,
      { path: "a.safetensors", dtype: "F16", shape, begin: 0, end: 0 },
    ])),
  );

const unets: readonly KnownModelName[] = [
  ...["sd-1.5", "sd-1.5-inpainting", "sd-2.1", "sdxl"] as const,
  ...["sdxl-refiner", "ssd-1b", "segmind-vega", "bk-sdm-small"] as const,
];

for (const name of unets) {
  Deno.test(`the tensors of ${name} determine its configuration`, () => {
    const known = knownModel(name);
    const structure = new Structure(fileOf(networkKind.parameters(known)));
    const json = unetJson(structure, known.config.sampleSize);
    assertEquals(networkKind.parse(json, "test"), known);
  });
}

Deno.test("the tensors of an autoencoder and of a text tower determine their configurations", () => {
  const vae = autoencoderKind.parse(sd15Vae, "test");
  const told = autoencoderJson(
    new Structure(fileOf(autoencoderKind.parameters(vae))),
    {
      scaling_factor: 0.18215,
      force_upcast: vae.forceUpcast,
      sample_size: 512,
    },
  );
  assertEquals(autoencoderKind.parse(told, "test"), vae);
  const text = clipTextKind.parse({ ...sd15Text, eos_token_id: 2 }, "test");
  const file = fileOf(clipTextKind.parameters(text));
  const options = { projects: false, skipped: 0 };
  const json = textJson({ file, isOpenClip: false }, options);
  assertEquals(clipTextKind.parse(json, "test"), text);
  const shorter = textJson({ file, isOpenClip: true }, {
    ...options,
    skipped: 1,
  });
  assertEquals(clipTextKind.parse(shorter, "test"), {
    ...text,
    activation: "gelu",
    layers: text.layers - 1,
  });
});

Deno.test("a file that is no pipeline's checkpoint is refused", () => {
  assertThrows(
    () => pipelineJson(fileOf(new Map([["conv_in.weight", [1]]]))),
    TypeError,
    "Cannot load model a.safetensors: its tensors are not those of a checkpoint",
  );
  const unet = new Map([["model.diffusion_model.input_blocks.0.0.weight", [
    1,
  ]]]);
  assertThrows(
    () => pipelineJson(fileOf(unet)),
    TypeError,
    "Cannot load model a.safetensors: it has no text tower",
  );
});
