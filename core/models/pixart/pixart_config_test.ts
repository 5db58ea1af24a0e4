import { assertEquals, assertThrows } from "@std/assert";
import { parsePixartConfig } from "./pixart_config.ts";

const json = JSON.parse(Deno.readTextFileSync(
  new URL("../../../testdata/pixart/config.json", import.meta.url),
));

Deno.test("parsePixartConfig() reads a Transformer2DModel", () => {
  assertEquals(parsePixartConfig(json, "config.json"), {
    sampleSize: 16,
    patchSize: 2,
    inChannels: 4,
    outChannels: 8,
    layers: 3,
    heads: 4,
    headWidth: 12,
    textWidth: 40,
    projectsText: true,
    upcastAttention: false,
    microConditions: false,
    interpolationScale: 1,
    normEpsilon: 1e-6,
  });
});

Deno.test("parsePixartConfig() reads a PixArtTransformer2DModel", () => {
  const config = { ...json, _class_name: "PixArtTransformer2DModel" };
  assertEquals(
    parsePixartConfig(config, "config.json"),
    parsePixartConfig(json, "config.json"),
  );
});

Deno.test("parsePixartConfig() infers keys that older files leave out from the size", () => {
  const { use_additional_conditions: _, interpolation_scale: __, ...older } =
    json;
  const of = (sample_size: number, rest: Record<string, unknown> = {}) => {
    const config = { ...older, sample_size, ...rest };
    const { microConditions, interpolationScale } = parsePixartConfig(
      config,
      "config.json",
    );
    return [microConditions, interpolationScale];
  };
  assertEquals(of(32), [false, 1]);
  assertEquals(of(64), [false, 1]);
  assertEquals(of(128), [true, 2]);
  assertEquals(of(128, { use_additional_conditions: null }), [true, 2]);
  assertEquals(of(128, { use_additional_conditions: false }), [false, 2]);
  assertEquals(of(64, { interpolation_scale: 1.5 }), [false, 1.5]);
});

const refused: [string, Record<string, unknown>, string][] = [
  [
    "another class",
    { _class_name: "DiTTransformer2DModel" },
    `"_class_name" is "DiTTransformer2DModel", expected "Transformer2DModel" or "PixArtTransformer2DModel"`,
  ],
  [
    "another norm",
    { norm_type: "ada_norm_zero" },
    `expected "ada_norm_single"`,
  ],
  [
    "text of no width",
    { caption_channels: null, cross_attention_dim: null },
    `"cross_attention_dim" is null, expected a positive integer`,
  ],
  [
    "text of another width than the tokens",
    { cross_attention_dim: 40 },
    `"cross_attention_dim" is 40, expected 48`,
  ],
  [
    "a negative scale",
    { interpolation_scale: -1 },
    `"interpolation_scale" is -1, expected a positive number`,
  ],
  [
    "a text for a switch",
    { use_additional_conditions: "yes" },
    `"use_additional_conditions" is "yes"`,
  ],
  [
    "a width that micro-conditions do not divide",
    {
      use_additional_conditions: true,
      attention_head_dim: 11,
      cross_attention_dim: 44,
    },
    `"attention_head_dim" is 11, expected a width that gives a multiple of 3 over 4 heads`,
  ],
];

for (const [what, change, message] of refused) {
  Deno.test(`parsePixartConfig() refuses ${what}`, () => {
    const error = assertThrows(
      () => parsePixartConfig({ ...json, ...change }, "models/x/config.json"),
      TypeError,
      message,
    );
    assertEquals(error.message.includes("models/x/config.json"), true);
  });
}
