import { assertEquals } from "@std/assert";
import { ditBlockGraph } from "./dit.ts";
import { inspectModel } from "./inspect.ts";
import { knownModel } from "./known_models.ts";
import { noWeights } from "./weights.ts";

/** A count recorded with hooks on diffusers' modules. */
interface Recorded {
  readonly params: number;
  readonly macs: number;
  readonly macs_weights_only: number;
  readonly dipgo: number;
}

const recorded = JSON.parse(
  Deno.readTextFileSync(new URL("../../testdata/macs.json", import.meta.url)),
).models["dit-xl2-32"];

const macsOf = ({ macs, macs_weights_only, dipgo }: Recorded) => ({
  total: macs,
  weights: macs_weights_only,
  paper: dipgo,
});

function inspected(granularity: "block" | "sublayer") {
  const { config } = knownModel("dit-xl-2-256");
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
