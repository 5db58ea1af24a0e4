import { loadPipeline } from "@dip-go/core";
import {
  livelyWeights,
  networkKind,
  writeComponent,
} from "@dip-go/core/models";
import { isFile } from "@dip-go/core/files";
import { outside } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import { inTinyPipeline } from "@dip-go/testing/models";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { compileSubNet } from "../compile/compile_sub_net.ts";
import { exampleOf } from "./export_example.ts";
import { compileRequestOf } from "./export_form.ts";
import { type ExportOptions, exportSubNet } from "./export_sub_net.ts";

/** Runs `body` in the folder of a tiny Stable Diffusion whose UNet has another configuration. */
const withUnet = (
  changed: Readonly<Record<string, number>>,
  body: (folder: string) => Promise<void>,
) =>
  inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const unet = `${folder}/unet`;
    const json = JSON.parse(await Deno.readTextFile(`${unet}/config.json`));
    await writeComponent(unet, { ...json, ...changed }, {
      kind: networkKind,
      source: livelyWeights(4),
    });
    await body(folder);
  });

const form = { textEncoder: true };

Deno.test("exportSubNet() refuses a folder without a name, odd batches and unknown precisions before it writes", async () => {
  const sampler = (await loadPipeline("zoo/models/dit-shapes"))
    .sampler({ steps: 2 });
  const refused = (folder: string, options: ExportOptions, message: string) =>
    assertRejects(
      () => exportSubNet(sampler, undefined, folder, options),
      Error,
      message,
    );
  await refused("", {}, 'its folder is "", expected a path');
  const missing = "testdata/no folder"; // nothing is written there
  for (const batch of [0, 1.5, NaN]) {
    await refused(missing, { batch }, `batch is ${batch}, expected a whole`);
  }
  const precision = "int3" as "int8";
  await refused(missing, { precision }, "precision is int3, expected one of");
  assertEquals(await isFile(`${missing}/model.onnx`), false);
});

Deno.test("with its text encoder, a latent consistency model's graph takes the embedded guidance scale beside the tokens", () =>
  withUnet({ time_cond_proj_dim: 8 }, async (folder) => {
    const sampler = (await loadPipeline(folder)).sampler({ steps: 2 });
    const request = await compileRequestOf(sampler, undefined, form);
    const { inputs, outputs } = await exampleOf(sampler, request, form);
    const graph = await compileSubNet(request);
    assertEquals(
      outside(graph).inputs.map(({ name }) => name).sort(),
      ["input_ids", "noise", "timestep_cond"],
    );
    await using session = await openSession(graph);
    const { pictures } = await session.run(inputs);
    const expected = outputs.pictures.data as Float32Array;
    (pictures.data as Float32Array).forEach((value, i) =>
      assert(Math.abs(value - expected[i]) < 1e-3)
    );
  }));

Deno.test("with its text encoder, an inpainting network's graph takes the mask beside the tokens of both halves", () =>
  withUnet({ in_channels: 9 }, async (folder) => {
    const sampler = (await loadPipeline(folder)).sampler({ steps: 2 });
    const request = await compileRequestOf(sampler, undefined, form);
    const { inputs } = outside(await compileSubNet(request));
    assertEquals(
      inputs.map(({ name }) => name).sort(),
      ["input_ids", "masked_latents", "negative_input_ids", "noise"],
    );
  }));

Deno.test("a sampler that starts from a picture is not exported, as its file would start from noise", async () => {
  const pipeline = await loadPipeline("zoo/models/sd-shapes");
  const { size: { height, width } } = pipeline.sampler({ steps: 2 });
  const data = new Uint8Array(3 * height * width);
  const image = { height, width, channels: 3, data };
  const start = { image, strength: 0.5 };
  await assertRejects(
    () =>
      compileRequestOf(pipeline.sampler({ steps: 2, start }), undefined, {}),
    TypeError,
    "starts from a picture",
  );
});
