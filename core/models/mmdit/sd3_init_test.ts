import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { parseSd3Config } from "./sd3_config.ts";
import { initSd3Weights } from "./sd3_init.ts";

const config = parseSd3Config({
  _class_name: "SD3Transformer2DModel",
  attention_head_dim: 4,
  caption_projection_dim: 8,
  in_channels: 4,
  joint_attention_dim: 6,
  num_attention_heads: 2,
  num_layers: 2,
  out_channels: 4,
  pooled_projection_dim: 3,
  pos_embed_max_size: 4,
  qk_norm: "rms_norm",
  sample_size: 4,
}, "config.json");

Deno.test("initSd3Weights() starts every block as the identity, with norms of one and diffusers' table of positions", () => {
  const weights = initSd3Weights(config, new TorchGenerator(0));
  const isAll = (key: string, value: number) =>
    weights.get(key)!.data.every((x) => x === value);
  for (const norm of ["norm1", "norm1_context"]) {
    assert(isAll(`transformer_blocks.1.${norm}.linear.weight`, 0), norm);
  }
  assert(isAll("norm_out.linear.weight", 0));
  assert(isAll("proj_out.weight", 0));
  assert(isAll("transformer_blocks.0.attn.norm_added_k.weight", 1));
  assert(!isAll("transformer_blocks.0.attn.to_q.weight", 0));
  const { shape, data } = weights.get("pos_embed.pos_embed")!;
  assertEquals(shape, [1, 16, 8]);
  const places = [0, 0.5, 1, 1.5];
  assertEquals([...data.subarray(8 * 6, 8 * 6 + 8)], [
    ...waves(places[2]),
    ...waves(places[1]),
  ]);
});

/** Sines, then cosines, at two frequencies. */
const waves = (place: number): number[] =>
  [Math.sin, Math.cos].flatMap((wave) =>
    [1, 0.01].map((frequency) => Math.fround(wave(place * frequency)))
  );
