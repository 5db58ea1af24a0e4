import { assertEquals, assertThrows } from "@std/assert";
import { parseDitConfig } from "./dit_config.ts";

const json = JSON.parse(Deno.readTextFileSync(
  new URL("../../../testdata/dit/config.json", import.meta.url),
));

Deno.test("parseDitConfig() reads a Transformer2DModel", () => {
  assertEquals(parseDitConfig(json, "config.json"), {
    sampleSize: 16,
    patchSize: 2,
    inChannels: 4,
    outChannels: 8,
    layers: 3,
    heads: 4,
    headWidth: 16,
    classes: 10,
    normEpsilon: 1e-5,
    upcastAttention: false,
  });
});

Deno.test("parseDitConfig() reads a DiTTransformer2DModel, whose outputs default to its inputs", () => {
  const {
    interpolation_scale: _,
    caption_channels: __,
    out_channels: ___,
    ...rest
  } = json;
  const config = { ...rest, _class_name: "DiTTransformer2DModel" };
  assertEquals(parseDitConfig(config, "config.json").outChannels, 4);
});

const refused: [string, Record<string, unknown>, string][] = [
  [
    "another class",
    { _class_name: "UNet2DConditionModel" },
    `"_class_name" is "UNet2DConditionModel", expected "Transformer2DModel" or "DiTTransformer2DModel"`,
  ],
  [
    "another norm",
    { norm_type: "ada_norm_single" },
    `"norm_type" is "ada_norm_single", expected "ada_norm_zero"`,
  ],
  [
    "another activation",
    { activation_fn: "geglu" },
    `"activation_fn" is "geglu"`,
  ],
  [
    "projections without bias",
    { attention_bias: false },
    `"attention_bias" is false, expected true`,
  ],
  [
    "cross-attention",
    { cross_attention_dim: 32 },
    `"cross_attention_dim" is 32, expected nothing or null`,
  ],
  [
    "a fraction",
    { num_layers: 2.5 },
    `"num_layers" is 2.5, expected a positive integer`,
  ],
  [
    "a text for a number",
    { norm_eps: "1e-5" },
    `"norm_eps" is "1e-5", expected a positive number`,
  ],
  [
    "patches that do not tile",
    { patch_size: 3 },
    `"patch_size" is 3, expected a divisor of sample_size 16`,
  ],
  [
    "outputs that are no noise and variance",
    { out_channels: 7 },
    `"out_channels" is 7, expected 4 as in_channels, or twice as many`,
  ],
  [
    "scaled positions",
    { interpolation_scale: 2 },
    `"interpolation_scale" is 2, expected nothing or null or 1`,
  ],
];

for (const [what, change, message] of refused) {
  Deno.test(`parseDitConfig() refuses ${what}`, () => {
    const error = assertThrows(
      () => parseDitConfig({ ...json, ...change }, "models/x/config.json"),
      TypeError,
      message,
    );
    assertEquals(error.message.includes("models/x/config.json"), true);
  });
}
