import { assertAlmostEquals, assertEquals } from "@std/assert";
import { tinyDit, waves, waveWeights } from "@dip-go/testing/models";
import {
  blockGraphs,
  residualOf,
  wholeGraph,
} from "../block_graph/block_graph.ts";
import { openSession } from "../../runtime/session.ts";
import { float32, int64 } from "../../tensor/tensor.ts";
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

Deno.test("ditBlockGraph() backs up the stream, or a block's update of it", () => {
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

/** Every eighth output of diffusers on latents larger than `sample_size`, with waves as inputs and weights. */
const recorded = [-1.27499, 0.13335, -1.40214, -0.6929, -0.80436, 0.26455];

Deno.test("a DiT on larger latents gives diffusers' outputs", async () => {
  const own = {
    ...{ heads: 2, headWidth: 4, inChannels: 2, outChannels: 2, layers: 1 },
    ...{ sampleSize: 4, patchSize: 2, classes: 3, normEpsilon: 1e-5 },
  };
  const latents = { height: 6, width: 6 };
  const options = { batch: 1, latents };
  const graph = wholeGraph(ditBlockGraph(own, waveWeights, options));
  await using session = await openSession(graph);
  const { prediction } = await session.run({
    sample: waves([1, 2, 6, 6]),
    timestep: float32([1], [7]),
    class_labels: int64([1], [2]),
  });
  recorded.forEach((x, i) =>
    assertAlmostEquals(Number(prediction.data[8 * i]), x, 2e-5)
  );
});
