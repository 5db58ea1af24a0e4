import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { waves, waveWeights } from "@dip-go/testing/models";
import { openSession } from "../../runtime/session.ts";
import { float32, int64 } from "../../tensor/tensor.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import {
  blockGraphs,
  residualOf,
  wholeGraph,
} from "../block_graph/block_graph.ts";
import type { TransformerOptions } from "../block_graph/transformer_units.ts";
import { pixartBlockGraph } from "./pixart.ts";
import { networkKind } from "../load.ts";
import { parsePixartConfig, type PixartConfig } from "./pixart_config.ts";
import { noWeights } from "../block_graph/weights.ts";

const config: PixartConfig = {
  sampleSize: 8,
  patchSize: 2,
  inChannels: 3,
  outChannels: 6,
  layers: 2,
  heads: 2,
  headWidth: 6,
  projectsText: true,
  textWidth: 5,
  microConditions: false,
  interpolationScale: 1,
  normEpsilon: 1e-6,
};

const graphOf = (
  options: Omit<TransformerOptions, "batch"> = {},
  own: PixartConfig = config,
) => pixartBlockGraph(own, noWeights, { batch: 3, tokens: 4, ...options });

Deno.test("pixartBlockGraph() gates whole blocks, but not the layers that they share", () => {
  const { blocks } = graphOf();
  assertEquals(blocks.map(({ name, gated }) => [name, gated]), [
    ["pos_embed", false],
    ["adaln_single", false],
    ["caption_projection", false],
    ["transformer_blocks.0", true],
    ["transformer_blocks.1", true],
    ["proj_out", false],
  ]);
});

Deno.test("pixartBlockGraph() gates self-attention, attention to the text and feed-forward separately", () => {
  const { blocks } = graphOf({ granularity: "sublayer" });
  assertEquals(
    blocks.slice(3, 6).map((
      b,
    ) => [b.name, b.gated, b.streams?.[0], ...b.outputs]),
    [
      ["attn1", "pos_embed", "transformer_blocks.0.attn1"],
      ["attn2", "transformer_blocks.0.attn1", "transformer_blocks.0.attn2"],
      ["ff", "transformer_blocks.0.attn2", "transformer_blocks.0"],
    ].map(([name, stream, output]) => [
      `transformer_blocks.0.${name}`,
      true,
      stream,
      output,
    ]),
  );
});

Deno.test("pixartBlockGraph() backs up the stream, or a unit's update of it", () => {
  for (const granularity of ["block", "sublayer"] as const) {
    const outputs = (backup: "output" | "residual") =>
      blockGraphs(graphOf({ granularity, backup })).slice(3, -1)
        .map(({ graph }) => graph.outputs[0]);
    const streams = outputs("output").map(({ name }) => name);
    assertEquals(streams.length, granularity === "block" ? 2 : 6);
    assertEquals(streams.at(-1), "transformer_blocks.1");
    assertEquals(
      outputs("residual").map(({ name }) => name),
      streams.map(residualOf),
    );
    for (const { shape } of [...outputs("output"), ...outputs("residual")]) {
      assertEquals(shape, [3, 16, 12]);
    }
  }
});

Deno.test("pixartBlockGraph() takes latents of any shape that patches tile", () => {
  const { blocks, inputs } = graphOf({ latents: { height: 4, width: 10 } });
  assertEquals(inputs[0].shape, [3, 3, 4, 10]);
  const prediction = blockGraphs({
    model: "test",
    inputs,
    blocks,
    output: "prediction",
  }).at(-1)!.graph.outputs[0];
  assertEquals(prediction.shape, [3, 6, 4, 10]);
  assertThrows(
    () => graphOf({ latents: { height: 4, width: 9 } }),
    RangeError,
    "latents are 4x9, expected multiples of the patch size 2",
  );
});

Deno.test("pixartBlockGraph() reads micro-conditions if the configuration has them", () => {
  const namesOf = (own: PixartConfig) =>
    graphOf({}, own).inputs.map(({ name, shape }) => [name, ...shape]);
  const text = [
    ["sample", 3, 3, 8, 8],
    ["timestep", 3],
    ["encoder_hidden_states", 3, 4, 5],
    ["encoder_attention_mask", 3, 4],
  ];
  assertEquals(namesOf(config), text);
  assertEquals(namesOf({ ...config, microConditions: true }), [
    ...text,
    ["resolution", 3, 2],
    ["aspect_ratio", 3, 1],
  ]);
});

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
  Deno.test(`a PixArt's parameters have the keys and shapes that diffusers stores: ${name}`, () => {
    const { tensors } = openSafetensors(
      `${folder(name)}/diffusion_pytorch_model.safetensors`,
    );
    const stored = [...tensors].map(([key, { shape }]) => [key, shape]);
    const sorted = (entries: Iterable<unknown>) =>
      [...entries].map((entry) => JSON.stringify(entry)).sort();
    assertEquals(
      sorted(
        networkKind.parameters({ family: "pixart", config: configOf(name) }),
      ),
      sorted(stored),
    );
  });
}

/** Every eighth output of diffusers, with waves as inputs and weights. */
const recorded = [1.30986, 1.05692, 0.88049, 1.66014, 1.51308, 1.09808];

Deno.test("a PixArt without a layer on its text, on oblong latents with scaled positions, gives diffusers' outputs", async () => {
  const own = {
    ...{ heads: 2, headWidth: 4, inChannels: 2, outChannels: 2, layers: 1 },
    ...{ sampleSize: 4, patchSize: 2, textWidth: 6, projectsText: false },
    ...{ microConditions: false, interpolationScale: 1.5, normEpsilon: 1e-6 },
  };
  const latents = { height: 6, width: 4 };
  const options = { batch: 1, tokens: 3, latents };
  const graph = wholeGraph(pixartBlockGraph(own, waveWeights, options));
  await using session = await openSession(graph);
  const { prediction } = await session.run({
    sample: waves([1, 2, 6, 4]),
    timestep: float32([1], [7]),
    encoder_hidden_states: waves([1, 3, 6]),
    encoder_attention_mask: int64([1, 3], [1, 1, 0]),
  });
  recorded.forEach((x, i) =>
    assertAlmostEquals(Number(prediction.data[8 * i]), x, 2e-5)
  );
});
