import {
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { waves, waveWeights } from "@dip-go/testing/models";
import { emitPictures } from "../../pipeline/picture_decoder.ts";
import { GraphBuilder } from "../../onnx/builder.ts";
import { halfPrecision } from "../../runtime/half_precision.ts";
import { openSession } from "../../runtime/session.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../../weights/safetensors.ts";
import { parseAutoencoderConfig } from "./autoencoder_config.ts";
import {
  autoencoderKind,
  decoderBlockGraph,
  encoderBlockGraph,
} from "./autoencoder_kl.ts";
import { wholeGraph } from "../block_graph/block_graph.ts";
import { loadComponent } from "../component.ts";

const folder = decodeURIComponent(
  new URL("../../../testdata/vae", import.meta.url).pathname,
);
const json = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));

async function decoded(from: string): Promise<Tensor> {
  const { config, weights } = await loadComponent(from, autoencoderKind);
  const latents = openSafetensors(`${folder}/case.safetensors`)
    .read("latent");
  const [batch, , height, width] = latents.shape;
  const graph = decoderBlockGraph(config, weights, { batch, height, width });
  await using session = await openSession(wholeGraph(graph));
  return (await session.run({ latents })).decoded;
}

/** A copy of the folder with its tensors under other names. */
async function renamedCopy(rename: (key: string) => string): Promise<string> {
  const copy = await Deno.makeTempDir();
  await Deno.copyFile(`${folder}/config.json`, `${copy}/config.json`);
  const { weightFile } = autoencoderKind;
  const file = openSafetensors(`${folder}/${weightFile}`);
  await writeSafetensors(
    `${copy}/${weightFile}`,
    new Map(
      [...file.tensors.keys()].map((key) => [rename(key), file.read(key)]),
    ),
  );
  return copy;
}

const older: Readonly<Record<string, string>> = {
  "to_q": "query",
  "to_k": "key",
  "to_v": "value",
  "to_out.0": "proj_attn",
};

Deno.test("files with the attention names of Stable Diffusion 1 give the same pictures", async () => {
  const copy = await renamedCopy((key) =>
    key.replace(/to_(q|k|v|out\.0)\./, (name) => `${older[name.slice(0, -1)]}.`)
  );
  try {
    const file = openSafetensors(`${copy}/${autoencoderKind.weightFile}`);
    const name = "decoder.mid_block.attentions.0.proj_attn.weight";
    assertEquals(file.tensors.has(name), true);
    assertEquals(await decoded(copy), await decoded(folder));
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
});

Deno.test("a missing tensor is refused by its name", async () => {
  const copy = await renamedCopy((key) =>
    key === "quant_conv.bias" ? "quant_conv.offset" : key
  );
  try {
    await assertRejects(
      () => loadComponent(copy, autoencoderKind),
      RangeError,
      `tensor "quant_conv.bias" is missing`,
    );
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
});

Deno.test("the config is read strictly", () => {
  const refusals: [object, string][] = [
    [{ latent_channels: 0 }, `key "latent_channels" is 0`],
    [{ shift_factor: "0.1" }, `key "shift_factor" is "0.1"`],
    [{ latents_mean: [0, 0] }, `key "latents_mean" is [0,0]`],
    [{ norm_num_groups: 5 }, `key "norm_num_groups" is 5, expected a divisor`],
    [{ up_block_types: ["UpDecoderBlock2D"] }, `key "up_block_types"`],
    [{ use_quant_conv: 0 }, `key "use_quant_conv" is 0`],
    [{ sample_size: [64, 0] }, `key "sample_size" is [64,0]`],
  ];
  for (const [change, message] of refusals) {
    assertThrows(
      () => parseAutoencoderConfig({ ...json, ...change }, "config.json"),
      TypeError,
      message,
    );
  }
});

Deno.test("keys that early files lack have diffusers' values", () => {
  const early = {
    _class_name: "AutoencoderKL",
    block_out_channels: [32, 64],
    down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
    up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  };
  const parsed = parseAutoencoderConfig(early, "test");
  const { inChannels, outChannels, latentChannels, resnets } = parsed;
  assertEquals([inChannels, outChannels, latentChannels, resnets], [
    3,
    3,
    4,
    1,
  ]);
  assertEquals([parsed.normGroups, parsed.scalingFactor], [32, 0.18215]);
});

/** A small autoencoder like later models': without convolutions around the latents, without attention, shifted. */
const plain = parseAutoencoderConfig({
  ...json,
  block_out_channels: [4, 8],
  down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
  up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  layers_per_block: 1,
  latent_channels: 2,
  norm_num_groups: 2,
  mid_block_add_attention: false,
  use_post_quant_conv: false,
  use_quant_conv: false,
  scaling_factor: 0.5,
  shift_factor: 0.25,
}, "test");

/** The first outputs of `plain` in diffusers, with waves as inputs and weights. */
const recorded = {
  decoded: [-0.44549, -0.6037, -0.80201, -0.60859, -0.32271, -0.3443],
  moments: [0.22553, 0.27957, 0.25285, 0.23242, -0.40527, -0.46428],
};

const first = ({ data }: Tensor, count: number) =>
  Array.from(data as Float32Array).slice(0, count);

Deno.test("an autoencoder without quantising convolutions and attention, with a shift, gives diffusers' outputs", async () => {
  const size = { batch: 1, height: 2, width: 2 };
  const g = new GraphBuilder("test");
  const latents = g.input("latents", "float32", [1, 2, 2, 2]);
  const autoencoder = { config: plain, weights: waveWeights };
  const decoded = emitPictures(g, latents, autoencoder);
  await using decoder = await openSession(g.build({ decoded }));
  const pictures = await decoder.run({ latents: waves([1, 2, 2, 2]) });
  recorded.decoded.forEach((x, i) =>
    assertAlmostEquals(first(pictures.decoded, 6)[i], x, 2e-5)
  );
  const graph = wholeGraph(encoderBlockGraph(plain, waveWeights, size));
  await using encoder = await openSession(graph);
  const { moments } = await encoder.run({ image: waves([1, 3, 4, 4]) });
  recorded.moments.forEach((x, i) =>
    assertAlmostEquals(first(moments, 6)[i], x, 2e-5)
  );
});

Deno.test("in half precision an autoencoder stays in float32 if its config has force_upcast", () => {
  const convolutions = (forceUpcast: boolean) => {
    const g = new GraphBuilder("test");
    const latents = g.input("latents", "float32", [1, 2, 2, 2]);
    const config = { ...plain, forceUpcast };
    const pictures = emitPictures(g, latents, { config, weights: waveWeights });
    const half = halfPrecision(g.build({ pictures }));
    const found = half.nodes.filter(({ op }) => op === "Conv")
      .map(({ outputs: [name] }) => half.values.get(name)!.dtype);
    return new Set(found);
  };
  assertEquals(convolutions(true), new Set(["float32"]));
  assertEquals(convolutions(false), new Set(["float16"]));
});
