import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseUnetConfig } from "./unet_config.ts";

const read = (name: string) =>
  JSON.parse(Deno.readTextFileSync(
    new URL(`../../../testdata/${name}/config.json`, import.meta.url),
  ));
const json = read("unet-sd15");

Deno.test("parseUnetConfig() reads Stable Diffusion 1.5's keys", () => {
  const attention = { depth: 1, heads: 8 };
  const level = (channels: number, resnets: number, attends = true) => ({
    channels,
    resnets,
    attention: attends ? attention : null,
  });
  assertEquals(parseUnetConfig(json, "config.json"), {
    sampleSize: 16,
    inChannels: 4,
    outChannels: 4,
    down: [level(16, 2), level(24, 2), level(32, 2), level(32, 2, false)],
    middle: attention,
    up: [level(32, 3, false), level(32, 3), level(24, 3), level(16, 3)],
    textWidth: 32,
    linearProjection: false,
    normGroups: 8,
    normEpsilon: 1e-5,
    added: null,
  });
});

Deno.test("parseUnetConfig() reads Stable Diffusion 2's heads, from the bottom on the way up", () => {
  const { down, up, linearProjection } = parseUnetConfig(
    read("unet-sd21"),
    "config.json",
  );
  const heads = (stages: typeof down) =>
    stages.map(({ attention }) => attention?.heads ?? null);
  assertEquals(linearProjection, true);
  assertEquals(heads(down), [2, 3, 4, null]);
  assertEquals(heads(up), [null, 4, 3, 2]);
});

Deno.test("parseUnetConfig() reads SDXL's depths and added conditions", () => {
  const { down, middle, up, added } = parseUnetConfig({
    ...json,
    addition_embed_type: "text_time",
    addition_time_embed_dim: 4,
    attention_head_dim: [1, 2, 4],
    block_out_channels: [16, 24, 32],
    down_block_types: json.down_block_types.toReversed().slice(0, 3),
    projection_class_embeddings_input_dim: 24 + 10,
    transformer_layers_per_block: [1, 2, 10],
    up_block_types: json.up_block_types.toReversed().slice(1),
  }, "config.json");
  const depths = (stages: typeof down) =>
    stages.map(({ attention }) => attention?.depth ?? null);
  assertEquals(depths(down), [null, 2, 10]);
  assertEquals(middle?.depth, 10);
  assertEquals(depths(up), [10, 2, null]);
  assertEquals(added, { textWidth: 10, timeChannels: 4 });
});

const refused: [string, Record<string, unknown>, string][] = [
  [
    "another class",
    { _class_name: "UNet2DModel" },
    `"_class_name" is "UNet2DModel", expected "UNet2DConditionModel"`,
  ],
  [
    "blocks of another type",
    {
      down_block_types: [...json.down_block_types.slice(1), "AttnDownBlock2D"],
    },
    `"down_block_types" is`,
  ],
  [
    "too few blocks",
    { up_block_types: json.up_block_types.slice(1) },
    `expected 4 of "UpBlock2D" or "CrossAttnUpBlock2D"`,
  ],
  [
    "a middle of another type",
    { mid_block_type: "UNetMidBlock2D" },
    `"mid_block_type" is "UNetMidBlock2D"`,
  ],
  [
    "a list of another length",
    { attention_head_dim: [8, 8] },
    `"attention_head_dim" is [8,8], expected a positive integer of at most 1048576, or a list of 4`,
  ],
  [
    "heads that do not divide",
    { attention_head_dim: [8, 7, 8, 8] },
    `"attention_head_dim" is [8,7,8,8], expected numbers of heads that divide 24 channels`,
  ],
  [
    "groups that do not divide",
    { norm_num_groups: 16 },
    `"norm_num_groups" is 16, expected a divisor of 24 channels`,
  ],
  [
    "a size that cannot be halved as often",
    { sample_size: 12 },
    `"sample_size" is 12, expected a multiple of 8`,
  ],
  [
    "no levels",
    { block_out_channels: [] },
    `"block_out_channels" is [], expected a list`,
  ],
  [
    "a class embedding",
    { num_class_embeds: 1000 },
    `"num_class_embeds" is 1000`,
  ],
  [
    "an embedded guidance scale",
    { time_cond_proj_dim: 256 },
    `"time_cond_proj_dim" is 256, expected nothing or null`,
  ],
  [
    "added conditions without their size",
    { addition_embed_type: "text_time" },
    `"addition_time_embed_dim"`,
  ],
  [
    "added conditions without room for the text",
    {
      addition_embed_type: "text_time",
      addition_time_embed_dim: 4,
      projection_class_embeddings_input_dim: 24,
    },
    `"projection_class_embeddings_input_dim" is 24, expected more than 6 x 4`,
  ],
];

for (const [what, change, message] of refused) {
  Deno.test(`parseUnetConfig() refuses ${what}`, () => {
    const error = assertThrows(
      () => parseUnetConfig({ ...json, ...change }, "models/x/config.json"),
      TypeError,
      message,
    );
    assert(error.message.includes("models/x/config.json"));
  });
}
