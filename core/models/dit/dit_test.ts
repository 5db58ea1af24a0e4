import { assertEquals } from "@std/assert";
import { tinyDit } from "@dip-go/testing/models";
import { blockGraphs, residualOf } from "../block_graph/block_graph.ts";
import { ditBlockGraph } from "./dit.ts";
import { noWeights } from "../block_graph/weights.ts";

const config = { ...tinyDit, outChannels: 6, classes: 5 };

Deno.test("ditBlockGraph() gates whole blocks", () => {
  const { blocks } = ditBlockGraph(config, noWeights, { batch: 3 });
  assertEquals(blocks.map(({ name, gated }) => [name, gated]), [
    ["pos_embed", false],
    ["transformer_blocks.0", true],
    ["transformer_blocks.1", true],
    ["proj_out", false],
  ]);
});

Deno.test("ditBlockGraph() gates attention and MLP apart, never their modulation", () => {
  const options = { batch: 3, granularity: "sublayer" } as const;
  const { blocks } = ditBlockGraph(config, noWeights, options);
  assertEquals(blocks.slice(1, 4).map(({ name, gated }) => [name, gated]), [
    ["transformer_blocks.0.norm1", false],
    ["transformer_blocks.0.attn1", true],
    ["transformer_blocks.0.ff", true],
  ]);
});

Deno.test("ditBlockGraph() backs up the stream, or what a block adds to it", () => {
  const outputs = (backup: "output" | "residual") =>
    blockGraphs(ditBlockGraph(config, noWeights, { batch: 3, backup }))
      .map(({ graph }) => graph.outputs[0]);
  assertEquals(outputs("output")[1].name, "transformer_blocks.0");
  assertEquals(outputs("residual")[1].name, residualOf("transformer_blocks.0"));
  const shapes = [[3, 16, 16], [3, 16, 16], [3, 16, 16], [3, 6, 8, 8]];
  for (const backup of ["output", "residual"] as const) {
    assertEquals(outputs(backup).map(({ shape }) => shape), shapes);
  }
});
