import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openSession } from "../../runtime/session.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../../weights/safetensors.ts";
import { parseAutoencoderConfig } from "./autoencoder_config.ts";
import { autoencoderKind, decoderBlockGraph } from "./autoencoder_kl.ts";
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

Deno.test("a tensor that no part of the network bears is refused by its name in the file", async () => {
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
    [{ shift_factor: 0.1 }, `key "shift_factor" is 0.1`],
    [{ norm_num_groups: 5 }, `key "norm_num_groups" is 5, expected a divisor`],
    [{ up_block_types: ["UpDecoderBlock2D"] }, `key "up_block_types"`],
    [{ use_quant_conv: false }, `key "use_quant_conv" is false`],
  ];
  for (const [change, message] of refusals) {
    assertThrows(
      () => parseAutoencoderConfig({ ...json, ...change }, "config.json"),
      TypeError,
      message,
    );
  }
});

Deno.test("the scaling factor of files older than its key is Stable Diffusion 1's", () => {
  const { scaling_factor: _, ...old } = json;
  assertEquals(parseAutoencoderConfig(old, "test").scalingFactor, 0.18215);
});
