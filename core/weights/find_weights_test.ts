import { assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { findWeights, weightNames } from "./find_weights.ts";

Deno.test("weightNames() has the names of diffusers and of transformers", () => {
  assertEquals(weightNames("model.safetensors"), [
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
  ]);
  const [first, , torch] = weightNames("diffusion_pytorch_model.safetensors");
  assertEquals(first, "diffusion_pytorch_model.safetensors");
  assertEquals(torch, "diffusion_pytorch_model.bin");
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
    Deno.writeTextFileSync(`${folder}/model.non_ema.safetensors`, "");
    assertThrows(
      () => findWeights(folder, "model.safetensors"),
      Deno.errors.NotFound,
      `Cannot load ${folder}: found no weights, expected one of model.safetensors, `,
    );
  }));
