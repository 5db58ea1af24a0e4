import { assert, assertEquals } from "@std/assert";
import {
  knownModel,
  networkGraph,
  noWeights,
  parseUnetConfig,
  unetBlockGraph,
} from "@dip-go/core/models";
import { inspectModel } from "./model_costs.ts";

const config = new URL(
  "../../../testdata/unet-sd15/config.json",
  import.meta.url,
);
const json = JSON.parse(Deno.readTextFileSync(config));

/** Keys at full size; below, BK-SDM's published keys and millions of parameters (Kim et al., 2023). */
const full = {
  ...json,
  block_out_channels: [320, 640, 1280, 1280],
  cross_attention_dim: 768,
  norm_num_groups: 32,
  sample_size: 64,
};
const base = { ...full, layers_per_block: 1 };
const small = { ...base, mid_block_type: null };
const tiny = {
  ...small,
  block_out_channels: [320, 640, 1280],
  down_block_types: json.down_block_types.slice(0, 3),
  up_block_types: json.up_block_types.slice(1),
};
const smaller: [string, Record<string, unknown>, number, number][] = [
  ["BK-SDM-Base", base, 579.4, 9],
  ["BK-SDM-Small", small, 482.3, 8],
  ["BK-SDM-Tiny", tiny, 323.4, 6],
];

for (const [name, config, millions, units] of smaller) {
  Deno.test(`parseUnetConfig() reads ${name}: fewer resnets, perhaps no middle`, () => {
    const parsed = parseUnetConfig(config, "config.json");
    const graph = unetBlockGraph(parsed, noWeights, { batch: 1 });
    const { params, blocks } = inspectModel(name, graph);
    assert(Math.abs(params / 1e6 - millions) < 0.06, `${params} parameters`);
    assertEquals(blocks.filter(({ gated }) => gated).length, units);
  });
}

Deno.test("knownModel() has BK-SDM's published sizes: 579.38 and 482.35 million parameters", () => {
  const paramsOf = (name: string) =>
    inspectModel(name, networkGraph(knownModel(name), noWeights, { batch: 1 }))
      .params;
  assertEquals(paramsOf("bk-sdm-base"), 579_384_964);
  assertEquals(paramsOf("bk-sdm-small"), 482_346_884);
});
