import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseUnetConfig } from "./unet_config.ts";

const read = (name: string) =>
  JSON.parse(Deno.readTextFileSync(
    new URL(`../../../testdata/${name}/config.json`, import.meta.url),
  ));
const json = read("unet-sd15");

Deno.test("parseUnetConfig() reads Stable Diffusion 1.5's keys", () => {
  const attention = (resnets: number) => ({
    depths: Array(resnets).fill(1),
    heads: 8,
  });
  const level = (channels: number, resnets: number, attends = true) => ({
    channels,
    resnets,
    attention: attends ? attention(resnets) : null,
  });
  assertEquals(parseUnetConfig(json, "config.json"), {
    sampleSize: 16,
    inChannels: 4,
    outChannels: 4,
    inpaints: false,
    down: [level(16, 2), level(24, 2), level(32, 2), level(32, 2, false)],
    middle: [attention(1), null],
    up: [level(32, 3, false), level(32, 3), level(24, 3), level(16, 3)],
    textWidth: 32,
    linearProjection: false,
    upcastAttention: false,
    normGroups: 8,
    normEpsilon: 1e-5,
    added: null,
    guidanceChannels: null,
  });
});

Deno.test("parseUnetConfig() reads Stable Diffusion 2's heads, in reverse order on the way up", () => {
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
    stages.map(({ attention }) => attention?.depths ?? null);
  assertEquals(depths(down), [null, [2, 2], [10, 10]]);
  assertEquals(middle[0]?.depths, [10]);
  assertEquals(depths(up), [[10, 10, 10], [2, 2, 2], null]);
  assertEquals(added, { textWidth: 10, timeIds: 6, timeChannels: 4 });
});

Deno.test("parseUnetConfig() reads SSD-1B's depths, a middle without attention, and no middle", () => {
  const ssd = {
    ...json,
    mid_block_type: "UNetMidBlock2D",
    transformer_layers_per_block: [1, [1, 2], [2, 1], 1],
    reverse_transformer_layers_per_block: [1, [2, 1, 1], [1, 2, 3], 0],
  };
  const { down, middle, up } = parseUnetConfig(ssd, "config.json");
  const depths = (stages: typeof down) =>
    stages.map(({ attention }) => attention?.depths ?? null);
  assertEquals(depths(down), [[1, 1], [1, 2], [2, 1], null]);
  assertEquals(middle, [null]);
  assertEquals(depths(up), [null, [2, 1, 1], [1, 2, 3], [0, 0, 0]]);
  const none = { ...ssd, mid_block_type: null };
  assertEquals(parseUnetConfig(none, "config.json").middle, []);
});

Deno.test("parseUnetConfig() reads an inpainting network's mask and a latent consistency model's scale", () => {
  const changed = { ...json, in_channels: 9, time_cond_proj_dim: 64 };
  const parsed = parseUnetConfig(changed, "config.json");
  assertEquals(parsed.inChannels, 4);
  assertEquals(parsed.inpaints, true);
  assertEquals(parsed.guidanceChannels, 64);
});

Deno.test("parseUnetConfig() reads five time_ids in the refiner, whose one text tower makes both conditions", () => {
  const { added } = parseUnetConfig({
    ...json,
    addition_embed_type: "text_time",
    addition_time_embed_dim: 4,
    projection_class_embeddings_input_dim: 5 * 4 + json.cross_attention_dim,
  }, "config.json");
  assertEquals(added, { textWidth: 32, timeIds: 5, timeChannels: 4 });
});

Deno.test("parseUnetConfig() has diffusers' values for keys that older files lack", () => {
  const { _class_name, sample_size } = json;
  const { down, textWidth } = parseUnetConfig(
    { _class_name, sample_size },
    "config.json",
  );
  assertEquals(down.map(({ channels }) => channels), [320, 640, 1280, 1280]);
  assertEquals(textWidth, 1280);
});

Deno.test("parseUnetConfig() takes a small sample_size of diffusers before 0.9 for 64, as diffusers does", () => {
  const sideOf = (_diffusers_version: string, sample_size: number) =>
    parseUnetConfig({ ...json, _diffusers_version, sample_size }, "test")
      .sampleSize;
  assertEquals(["0.2.2", "0.7.0.dev0"].map((v) => sideOf(v, 32)), [64, 64]);
  assertEquals(["0.9.0", "0.10.2"].map((v) => sideOf(v, 32)), [32, 32]);
  assertEquals(sideOf("0.6.0", 96), 96);
});

Deno.test("parseUnetConfig() reads a sample_size of two equal sides", () => {
  const twice = { ...json, sample_size: [24, 24] };
  assertEquals(parseUnetConfig(twice, "config.json").sampleSize, 24);
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
    { mid_block_type: "UNetMidBlock2DSimpleCrossAttn" },
    `"mid_block_type" is "UNetMidBlock2DSimpleCrossAttn"`,
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
    "latents of two sides",
    { sample_size: [16, 24] },
    `"sample_size" is [16,24], expected equal sides`,
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
    "an embedded guidance scale without width",
    { time_cond_proj_dim: 0 },
    `"time_cond_proj_dim" is 0, expected a positive integer`,
  ],
  [
    "inputs that are neither latents nor inpainting's",
    { in_channels: 8 },
    `"in_channels" is 8, expected 4 as out_channels, or 9 for inpainting`,
  ],
  [
    "texts of several widths",
    { cross_attention_dim: [32, 32, 24, 32] },
    `"cross_attention_dim" is [32,32,24,32], expected the same width`,
  ],
  [
    "a depth for each transformer on the way down alone",
    { transformer_layers_per_block: [1, [1, 2], 1, 1] },
    `"reverse_transformer_layers_per_block" is null, expected a list`,
  ],
  [
    "too few depths at a level",
    {
      transformer_layers_per_block: [1, [1, 2], 1, 1],
      reverse_transformer_layers_per_block: [1, 1, [1, 2], 1],
    },
    `"reverse_transformer_layers_per_block" is [1,1,[1,2],1], expected 3 counts at level 2`,
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
