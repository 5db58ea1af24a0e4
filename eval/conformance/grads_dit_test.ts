import { assertEquals } from "@std/assert";
import { runDitGradients } from "./grads_dit.ts";

const folder = decodeURIComponent(
  new URL("../../testdata/grads-dit", import.meta.url).pathname,
);

Deno.test("runDitGradients() reproduces the output and every recorded gradient", async () => {
  const rows = await Array.fromAsync(runDitGradients(folder));
  assertEquals(rows.filter(({ ok }) => !ok), []);
  assertEquals(rows.map(({ tensor }) => tensor), [
    "output",
    "grad.param.pos_embed.proj.weight",
    "grad.param.proj_out_1.weight",
    "grad.param.proj_out_2.weight",
    "grad.param.transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight",
    "grad.param.transformer_blocks.0.norm1.linear.weight",
    "grad.param.transformer_blocks.1.attn1.to_q.weight",
    "grad.param.transformer_blocks.1.attn1.to_v.bias",
    "grad.param.transformer_blocks.2.ff.net.0.proj.weight",
    "grad.sample",
  ]);
});
