import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { parsePixartConfig } from "./pixart_config.ts";
import { initPixartWeights, pixartParameterShapes } from "./pixart_init.ts";

const folder = (name: string) =>
  decodeURIComponent(
    new URL(`../../../testdata/${name}`, import.meta.url).pathname,
  );
const configOf = (name: string) =>
  parsePixartConfig(
    JSON.parse(Deno.readTextFileSync(`${folder(name)}/config.json`)),
    "config.json",
  );

for (const name of ["pixart", "pixart-micro"]) {
  Deno.test(`pixartParameterShapes() lists what diffusers stores: ${name}`, () => {
    const { tensors } = openSafetensors(
      `${folder(name)}/diffusion_pytorch_model.safetensors`,
    );
    const stored = [...tensors].map(([key, { shape }]) => [key, shape]);
    const sorted = (entries: Iterable<unknown>) =>
      [...entries].map((entry) => JSON.stringify(entry)).sort();
    assertEquals(
      sorted(pixartParameterShapes(configOf(name))),
      sorted(stored),
    );
  });
}

const weights = initPixartWeights(configOf("pixart"), new TorchGenerator(0));

Deno.test("initPixartWeights() starts without the text, and predicts zero", () => {
  const zero = [...weights].filter(([key, { data }]) =>
    !key.endsWith(".bias") && data.every((x) => x === 0)
  ).map(([key]) => key);
  assertEquals(zero, [
    ...[0, 1, 2].map((i) => `transformer_blocks.${i}.attn2.to_out.0.weight`),
    "proj_out.weight",
  ]);
});

Deno.test("initPixartWeights() has the spread of PixArt's own", () => {
  const check = (key: string, expected: number) => {
    const { data } = weights.get(key)!;
    const power = data.reduce((sum, x) => sum + x * x, 0) / data.length;
    const found = Math.sqrt(power);
    assert(Math.abs(found / expected - 1) < 0.1, `${key}: ${found}`);
  };
  const D = 48;
  const block = "transformer_blocks.2";
  // A uniform in ±√(6/n) has the standard deviation √(2/n).
  check(`${block}.attn1.to_k.weight`, Math.sqrt(2 / (D + 3 * D)));
  check(`${block}.attn2.to_q.weight`, Math.sqrt(2 / (D + D)));
  check(`${block}.attn2.to_k.weight`, Math.sqrt(2 / (D + 2 * D)));
  check(`${block}.ff.net.2.weight`, Math.sqrt(2 / (4 * D + D)));
  check(`${block}.scale_shift_table`, 1 / Math.sqrt(D));
  check("adaln_single.linear.weight", 0.02);
  check("caption_projection.linear_1.weight", 0.02);
});
