import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { parseDitConfig } from "./dit_config.ts";
import { networkKind } from "../load.ts";
import { initDitWeights } from "./dit_init.ts";

const folder = new URL("../../../testdata/dit/", import.meta.url);
const config = parseDitConfig(
  JSON.parse(Deno.readTextFileSync(new URL("config.json", folder))),
  "config.json",
);

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(
    values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length,
  );
}

Deno.test("a DiT's parameters have the keys and shapes that diffusers stores", () => {
  const path = new URL("diffusion_pytorch_model.safetensors", folder).pathname;
  const stored = [...openSafetensors(decodeURIComponent(path)).tensors]
    .map(([key, { shape }]) => [key, shape]);
  const sorted = (entries: Iterable<unknown>) =>
    [...entries].map((entry) => JSON.stringify(entry)).sort();
  const shapes = networkKind.parameters({ family: "dit", config });
  assertEquals(sorted(shapes), sorted(stored));
});

Deno.test("initDitWeights() starts every block as the identity", () => {
  const weights = initDitWeights(config, new TorchGenerator(0));
  const isZero = (key: string) => weights.get(key)!.data.every((x) => x === 0);
  assertEquals(
    [...weights.keys()].filter(isZero).length,
    3 * (2 + 2 + 4 + 2) + 5,
  );
  assert(isZero("transformer_blocks.1.norm1.linear.weight"));
  assert(isZero("proj_out_2.weight"));
});

Deno.test("initDitWeights() has the standard deviations of the DiT authors' code", () => {
  const weights = initDitWeights(config, new TorchGenerator(0));
  const check = (key: string, expected: number) => {
    const found = deviation(weights.get(key)!.data);
    assert(Math.abs(found / expected - 1) < 0.06, `${key}: ${found}`);
  };
  const D = 64;
  const block = "transformer_blocks.2";
  // A uniform in ±√(6/n) has the standard deviation √(2/n).
  check(`${block}.attn1.to_q.weight`, Math.sqrt(2 / (D + 3 * D)));
  check(`${block}.attn1.to_out.0.weight`, Math.sqrt(2 / (D + D)));
  check(`${block}.ff.net.0.proj.weight`, Math.sqrt(2 / (D + 4 * D)));
  check("pos_embed.proj.weight", Math.sqrt(2 / (4 * 2 * 2 + D)));
  check(`${block}.norm1.emb.timestep_embedder.linear_1.weight`, 0.02);
  check(`${block}.norm1.emb.class_embedder.embedding_table.weight`, 0.02);
});
