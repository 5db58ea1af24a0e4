import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  ditBlockGraph,
  knownModels,
  noWeights,
  pixartBlockGraph,
  type TransformerGranularity,
  unetBlockGraph,
  type UnetConfig,
  type UnetGranularity,
} from "@dip-go/core/models";
import { type Inspection, inspectModel } from "./model_costs.ts";

/** A count recorded with hooks on diffusers' modules. */
interface Recorded {
  readonly params: number;
  readonly macs: number;
  readonly macs_weights_only: number;
  readonly dipgo: number;
}

const { models } = JSON.parse(
  Deno.readTextFileSync(
    new URL("../../../testdata/macs.json", import.meta.url),
  ),
);
const recorded = models["dit-xl2-32"];

const macsOf = ({ macs, macs_weights_only, dipgo }: Recorded) => ({
  total: macs,
  weights: macs_weights_only,
  paper: dipgo,
});

function inspected(granularity: TransformerGranularity) {
  const { config } = knownModels["dit-xl-2-256"];
  const options = { batch: 1, granularity };
  return inspectModel("dit", ditBlockGraph(config, noWeights, options));
}

for (const granularity of ["block", "sublayer"] as const) {
  Deno.test(`inspectModel() counts DiT-XL/2 as recorded, by ${granularity}`, () => {
    const { params, macs } = inspected(granularity);
    assertEquals(params, recorded.params);
    assertEquals(macs, macsOf(recorded.total));
  });
}

Deno.test("inspectModel() counts every block of DiT-XL/2 as recorded", () => {
  const { blocks } = inspected("block");
  const found = new Map(blocks.map((block) => [block.name, block]));
  for (const [name, expected] of Object.entries<Recorded>(recorded.blocks)) {
    const { params, macs, gated } = found.get(name)!;
    assertEquals(params, expected.params);
    assertEquals(macs, macsOf(expected));
    assertEquals(gated, name.startsWith("transformer_blocks."));
  }
  // Left over: the final norm, which only the paper's convention counts.
  assertEquals(blocks.length, Object.keys(recorded.blocks).length + 1);
  assertEquals(found.get("norm_out")!.macs, {
    total: 0,
    weights: 0,
    paper: 256 * 1152,
  });
});

Deno.test("inspectModel() counts the sublayers of DiT-XL/2's first block as recorded", () => {
  const found = new Map(
    inspected("sublayer").blocks.map((block) => [block.name, block]),
  );
  const { norm1, attn1, norm3, ff } = recorded.block0_detail;
  const of = (name: string) => found.get(`transformer_blocks.0.${name}`)!.macs;
  assertEquals(of("norm1"), macsOf(norm1));
  assertEquals(of("attn1"), macsOf(attn1));
  assertEquals(of("ff"), { ...macsOf(ff), paper: ff.dipgo + norm3.dipgo });
});

const pixarts = [
  ["pixart-alpha-512", "pixart-xl2-64", 1024],
  ["pixart-alpha-1024", "pixart-xl2-128", 4096],
] as const;

for (const [name, key, tokens] of pixarts) {
  const { config } = knownModels[name];
  const expected = models[key];
  const inspectedPixart = (granularity: TransformerGranularity) => {
    const options = { batch: 1, granularity };
    return inspectModel(name, pixartBlockGraph(config, noWeights, options));
  };

  Deno.test(`inspectModel() counts ${name} and every block of it as recorded`, () => {
    const inspection = inspectedPixart("block");
    assertEquals(inspection.params, expected.params);
    assertEquals(inspection.macs, macsOf(expected.total));
    for (const [block, own] of Object.entries<Recorded>(expected.blocks)) {
      const { params, macs, gated } = of(block, inspection);
      assertEquals(params, own.params);
      assertEquals(macs, macsOf(own));
      assertEquals(gated, block.startsWith("transformer_blocks."));
    }
    // Left over: the last norm and its modulation, which belong to no module with products.
    const recorded = Object.keys(expected.blocks);
    assertEquals(
      inspection.blocks.filter((block) => !recorded.includes(block.name)),
      [{
        name: "norm_out",
        gated: false,
        params: 0,
        macs: { total: 0, weights: 0, paper: tokens * 1152 },
      }, {
        name: "scale_shift_table",
        gated: false,
        params: 2 * 1152,
        macs: { total: 0, weights: 0, paper: 0 },
      }],
    );
  });

  Deno.test(`inspectModel() counts the sublayers of ${name}'s first block as recorded`, () => {
    const inspection = inspectedPixart("sublayer");
    const { norm1, attn1, attn2, norm2, ff } = expected.block0_detail;
    const block = "transformer_blocks.0";
    const of0 = (name: string) => of(`${block}.${name}`, inspection);
    const paper = (layer: Recorded, norm: Recorded) => ({
      ...macsOf(layer),
      paper: layer.dipgo + norm.dipgo,
    });
    assertEquals(of0("attn1").macs, paper(attn1, norm1));
    assertEquals(of0("attn2").macs, macsOf(attn2));
    assertEquals(of0("ff").macs, paper(ff, norm2));
    assertEquals(
      of0("attn1").params + of0("attn2").params + of0("ff").params,
      expected.blocks[block].params,
    );
    assertEquals(inspection.macs, macsOf(expected.total));
  });
}

function inspectedUnet(
  config: UnetConfig,
  granularity: UnetGranularity,
): Inspection {
  const graph = unetBlockGraph(config, noWeights, { batch: 1, granularity });
  return inspectModel("unet", graph);
}

const of = (name: string, { blocks }: Inspection) =>
  blocks.find((block) => block.name === name)!;

/** `down.0.1` → `down_blocks.0.1`, `up.2.upsampler` → `up_blocks.2.upsamplers.0`. */
const unitOfBranch = (name: string): string =>
  name.replace(/^mid$/, "mid_block").replace(/^(down|up)\./, "$1_blocks.")
    .replace(/sampler$/, "samplers.0");

const sum = (units: readonly { macs: Inspection["macs"] }[]) =>
  units.reduce((total, { macs }) => ({
    total: total.total + macs.total,
    weights: total.weights + macs.weights,
    paper: total.paper + macs.paper,
  }), { total: 0, weights: 0, paper: 0 });

const unets = [
  ["sd-1.5", "sd15-unet-64"],
  ["sd-2.1", "sd21-unet-96"],
  ["sd-2.1-base", "sd21-unet-64"],
] as const;

for (const [name, key] of unets) {
  const { config } = knownModels[name];
  const expected = models[key];

  Deno.test(`inspectModel() counts ${name} and its nine blocks as recorded`, () => {
    const inspection = inspectedUnet(config, "block");
    assertEquals(inspection.params, expected.params);
    assertEquals(inspection.macs, macsOf(expected.total));
    for (
      const [block, own] of Object.entries<Recorded>(expected.blocks)
    ) {
      const { params, macs, gated } = of(block, inspection);
      assertEquals(params, own.params);
      assertEquals(macs, macsOf(own));
      assertEquals(gated, /_block/.test(block));
    }
    assertEquals(
      inspection.blocks.length,
      Object.keys(expected.blocks).length,
    );
  });

  Deno.test(`inspectModel() counts the branches of ${name} as recorded, and they sum to its blocks`, () => {
    const inspection = inspectedUnet(config, "branch");
    assertEquals(inspection.macs, macsOf(expected.total));
    for (const branch of expected.branches) {
      const { params, macs, gated } = of(unitOfBranch(branch.name), inspection);
      assertEquals(params, branch.params);
      assertEquals(macs, macsOf(branch));
      assertEquals(gated, true);
    }
    const gated = inspection.blocks.filter((block) => block.gated);
    assertEquals(gated.length, expected.branches.length);
    for (const block of inspectedUnet(config, "block").blocks) {
      const own = inspection.blocks.filter(({ name }) =>
        name === block.name || name.startsWith(`${block.name}.`)
      );
      assertEquals(sum(own), block.macs);
    }
  });

  Deno.test(`inspectModel() counts the layers of ${name}, which sum to its branches' total`, () => {
    const inspection = inspectedUnet(config, "layer");
    assertEquals(inspection.params, expected.params);
    assertEquals(sum(inspection.blocks), macsOf(expected.total));
    const gated = inspection.blocks.filter((block) => block.gated);
    assertEquals(gated.length, 22 + 16 * 3 + 6);
  });
}

Deno.test("inspectModel() counts SDXL: four calls are the paper's 11.95 T, which leaves out biases and norms here", () => {
  const { macs, params } = inspectedUnet(knownModels.sdxl.config, "block");
  assertEquals(params, 2567463684);
  assertEquals((4 * macs.weights / 1e12).toFixed(2), "11.95");
  assertAlmostEquals(macs.paper / macs.weights, 1, 4e-4);
});
