import { assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { findWeights, weightNames } from "./find_weights.ts";

Deno.test("weightNames() has the names of diffusers and of transformers", () => {
  assertEquals(
    weightNames("model.safetensors"),
    [
      "model.safetensors",
      "model.safetensors.index.json",
      "pytorch_model.bin",
      "pytorch_model.bin.index.json",
      "model.fp16.safetensors",
      "model.safetensors.index.fp16.json",
      "model.fp16.safetensors.index.json",
      "pytorch_model.fp16.bin",
      "pytorch_model.bin.index.fp16.json",
      "pytorch_model.fp16.bin.index.json",
    ].concat(["bf16", "non_ema"].flatMap((variant) => [
      `model.${variant}.safetensors`,
      `model.safetensors.index.${variant}.json`,
      `model.${variant}.safetensors.index.json`,
      `pytorch_model.${variant}.bin`,
      `pytorch_model.bin.index.${variant}.json`,
      `pytorch_model.${variant}.bin.index.json`,
    ])),
  );
  // diffusers reads the index of a folder that was saved to twice
  const own = weightNames("diffusion_pytorch_model.safetensors");
  assertEquals(own.slice(0, 4), [
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.bin.index.json",
    "diffusion_pytorch_model.bin",
  ]);
});

Deno.test("findWeights() prefers full precision, and safetensors among equals", () =>
  inTemporaryFolder((folder) => {
    const names = weightNames("model.safetensors");
    for (const name of names.toReversed()) {
      Deno.writeTextFileSync(`${folder}/${name}`, "");
      assertEquals(
        findWeights(folder, "model.safetensors"),
        `${folder}/${name}`,
      );
    }
  }));

Deno.test("findWeights() names the files that it looked for", () =>
  inTemporaryFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/model.other.safetensors`, "");
    assertThrows(
      () => findWeights(folder, "model.safetensors"),
      Deno.errors.NotFound,
      `Cannot load ${folder}: found no weights, expected one of model.safetensors, `,
    );
  }));
