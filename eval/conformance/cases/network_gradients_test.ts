import { assertEquals } from "@std/assert";
import { runNetworkGradients } from "./network_gradients.ts";

const testdata = decodeURIComponent(
  new URL("../../../testdata", import.meta.url).pathname,
);

Deno.test("runNetworkGradients() reproduces a DiT's output and every recorded gradient", async () => {
  const rows = await Array.fromAsync(
    runNetworkGradients(`${testdata}/grads-dit`),
  );
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

Deno.test("runNetworkGradients() reproduces a UNet's output and every recorded gradient", async () => {
  const rows = await Array.fromAsync(
    runNetworkGradients(`${testdata}/grads-unet-sd15`),
  );
  assertEquals(rows.filter(({ ok }) => !ok), []);
  assertEquals(rows.length, 19);
  const inputs = rows.map(({ tensor }) => tensor)
    .filter((tensor) => !tensor.startsWith("grad.param."));
  assertEquals(inputs, [
    "output",
    "grad.encoder_hidden_states",
    "grad.sample",
  ]);
});

Deno.test("runNetworkGradients() reproduces a PixArt's output and every recorded gradient", async () => {
  const rows = await Array.fromAsync(
    runNetworkGradients(`${testdata}/grads-pixart`),
  );
  assertEquals(rows.filter(({ ok }) => !ok), []);
  assertEquals(rows.map(({ tensor }) => tensor), [
    "output",
    "grad.encoder_hidden_states",
    "grad.sample",
  ]);
});
