import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSession } from "../../runtime/session.ts";
import { float32 } from "../../tensor/tensor.ts";
import { openSafetensors } from "../../weights/safetensors.ts";
import { blockGraphs, wholeGraph } from "../block_graph/block_graph.ts";
import { parameterShapes } from "../block_graph/weights.ts";
import { unetBlockGraph, type UnetGranularity } from "./unet.ts";
import { parseUnetConfig } from "./unet_config.ts";
import { noWeights, type WeightSource } from "../block_graph/weights.ts";

const folder = (name: string) =>
  decodeURIComponent(
    new URL(`../../../testdata/${name}`, import.meta.url).pathname,
  );
const json = (name: string) =>
  JSON.parse(Deno.readTextFileSync(`${folder(name)}/config.json`));
const config = parseUnetConfig(json("unet-sd15"), "config.json");

const graphOf = (granularity: UnetGranularity) =>
  unetBlockGraph(config, noWeights, { batch: 2, tokens: 7, granularity });

const unitsOf = (granularity: UnetGranularity) =>
  graphOf(granularity).blocks.filter(({ gated }) => gated)
    .map(({ name }) => name);

for (const name of ["unet-sd15", "unet-sd21"]) {
  Deno.test(`unetBlockGraph() has the weights that diffusers stores: ${name}`, () => {
    const own = parseUnetConfig(json(name), "config.json");
    const { tensors } = openSafetensors(
      `${folder(name)}/diffusion_pytorch_model.safetensors`,
    );
    const stored = [...tensors].map(([key, { shape }]) => [key, shape]);
    const sorted = (entries: Iterable<unknown>) =>
      [...entries].map((entry) => JSON.stringify(entry)).sort();
    const shapes = parameterShapes((weights) =>
      unetBlockGraph(own, weights, { batch: 1 })
    );
    assertEquals(sorted(shapes), sorted(stored));
  });
}

Deno.test("unetBlockGraph() gates DiP-GO's nine blocks", () => {
  assertEquals(unitsOf("block"), [
    "down_blocks.0",
    "down_blocks.1",
    "down_blocks.2",
    "down_blocks.3",
    "mid_block",
    "up_blocks.0",
    "up_blocks.1",
    "up_blocks.2",
    "up_blocks.3",
  ]);
});

Deno.test("unetBlockGraph() gates each resnet with its transformer, and each sampler", () => {
  const units = unitsOf("branch");
  assertEquals(units.length, 27);
  assertEquals(units.slice(6, 12), [
    "down_blocks.2.0",
    "down_blocks.2.1",
    "down_blocks.2.downsamplers.0",
    "down_blocks.3.0",
    "down_blocks.3.1",
    "mid_block",
  ]);
});

Deno.test("unetBlockGraph() gates the layers of a branch, but not its projections and shortcut", () => {
  const { blocks } = graphOf("layer");
  const from = blocks.findIndex(({ name }) =>
    name === "up_blocks.3.resnets.0.concat"
  );
  const transformer = "up_blocks.3.attentions.0";
  const layers = `${transformer}.transformer_blocks.0`;
  assertEquals(
    blocks.slice(from, from + 8).map((b) => [b.name, b.gated, b.streams?.[0]]),
    [
      ["up_blocks.3.resnets.0.concat", false, undefined],
      ["up_blocks.3.resnets.0.conv_shortcut", false, undefined],
      ["up_blocks.3.resnets.0", true, "up_blocks.3.resnets.0.conv_shortcut"],
      [`${transformer}.proj_in`, false, undefined],
      [`${layers}.attn1`, true, `${transformer}.proj_in`],
      [`${layers}.attn2`, true, `${layers}.attn1`],
      [`${layers}.ff`, true, `${layers}.attn2`],
      [transformer, false, undefined],
    ],
  );
});

Deno.test("unetBlockGraph(): a block returns every map that the way up reads", () => {
  const compiled = blockGraphs(graphOf("block"));
  const of = (name: string) => compiled.find((c) => c.block.name === name)!;
  assertEquals(
    of("down_blocks.1").graph.outputs.map(({ name, shape }) => [name, shape]),
    [
      ["down_blocks.1.attentions.0", [2, 24, 8, 8]],
      ["down_blocks.1.attentions.1", [2, 24, 8, 8]],
      ["down_blocks.1.downsamplers.0", [2, 24, 4, 4]],
    ],
  );
  assertEquals(of("up_blocks.3").block.inputs, [
    "up_blocks.2.upsamplers.0",
    "down_blocks.0.attentions.1",
    "time_embedding",
    "encoder_hidden_states",
    "down_blocks.0.attentions.0",
    "conv_in",
  ]);
  assertEquals(of("up_blocks.0").block.inputs.includes("conv_in"), false);
});

Deno.test("unetBlockGraph() takes latents of any height and width, as diffusers does", async () => {
  const weights = openSafetensors(
    `${folder("unet-sd15")}/diffusion_pytorch_model.safetensors`,
  );
  const recorded = openSafetensors(`${folder("unet-sizes.safetensors")}`);
  for (const name of recorded.tensors.keys()) {
    const [height, width] = name.split("x").map(Number);
    const graph = unetBlockGraph(
      config,
      (key) => ({ data: weights.read(key) }),
      { batch: 1, tokens: 5, latents: { height, width } },
    );
    await using session = await openSession(wholeGraph(graph));
    const { prediction } = await session.run({
      sample: new TorchGenerator(1).randn([1, 4, height, width]),
      timestep: float32([1], [481]),
      encoder_hidden_states: new TorchGenerator(2).randn([1, 5, 32]),
    });
    const expected = recorded.read(name);
    assertEquals(prediction.shape, expected.shape);
    expected.data.forEach((value, i) => {
      const error = Math.abs(Number(prediction.data[i]) - Number(value));
      assert(error < 2e-5, `${name}, ${i}: ${error}`);
    });
  }
});

Deno.test("unetBlockGraph() keeps attention in float32 if the config has upcast_attention", () => {
  for (const upcastAttention of [false, true]) {
    const own = { ...config, upcastAttention };
    const { nodes } = wholeGraph(unetBlockGraph(own, noWeights, { batch: 1 }));
    const single = nodes.filter(({ op }) => op === "MultiHeadAttention")
      .map(({ single }) => single === true);
    assertEquals(new Set(single), new Set([upcastAttention]));
  }
});

Deno.test("unetBlockGraph() reads an inpainting network's masked latents and a consistency model's guidance scale", () => {
  const both = { ...config, inpaints: true, guidanceChannels: 6 };
  const graph = unetBlockGraph(both, noWeights, { batch: 2 });
  const shapes = graph.inputs.slice(3)
    .map(({ name, shape }) => [name, shape]);
  assertEquals(shapes, [
    ["timestep_cond", [2, 6]],
    ["masked_latents", [2, 5, 16, 16]],
  ]);
  const asked = parameterShapes((weights) =>
    unetBlockGraph(both, weights, { batch: 1 })
  );
  assertEquals(asked.get("conv_in.weight"), [16, 9, 3, 3]);
  assertEquals(asked.get("time_embedding.cond_proj.weight"), [16, 6]);
  assertEquals(asked.has("time_embedding.cond_proj.bias"), false);
});

Deno.test("unetBlockGraph() reads SDXL's added conditions", () => {
  const added = { textWidth: 10, timeIds: 6, timeChannels: 4 };
  const { inputs } = unetBlockGraph({ ...config, added }, noWeights, {
    batch: 2,
  });
  assertEquals(inputs.map(({ name, shape }) => [name, shape]), [
    ["sample", [2, 4, 16, 16]],
    ["timestep", [2]],
    ["encoder_hidden_states", [2, 77, 32]],
    ["text_embeds", [2, 10]],
    ["time_ids", [2, 6]],
  ]);
});

/** The cosines, then the sines, of x at `count` frequencies 10000^(−i/count). */
function wavesOf(x: number, count: number): number[] {
  const angles = Array.from(
    { length: count },
    (_, i) => x * 10000 ** (-i / count),
  );
  return [...angles.map(Math.cos), ...angles.map(Math.sin)];
}

/** A reference of an embedding: linear, SiLU, linear. */
function embedded(x: number[], path: string, weights: WeightSource): number[] {
  const width = 64;
  const layer = (from: number[], name: string) => {
    const of = (kind: string, shape: number[]) =>
      weights(`${path}.${name}.${kind}`, shape).data!.data as Float32Array;
    const matrix = of("weight", [width, from.length]);
    const bias = of("bias", [width]);
    return Array.from(
      bias,
      (b, row) =>
        from.reduce((sum, v, i) => sum + v * matrix[row * from.length + i], b),
    );
  };
  const hidden = layer(x, "linear_1").map((v) => v / (1 + Math.exp(-v)));
  return layer(hidden, "linear_2");
}

Deno.test("SDXL's embedding is the timestep's plus the embedding of pooled text and numbers", async () => {
  const weights: WeightSource = (key, shape) => {
    const { data } = new TorchGenerator(key.length).randn(shape);
    return { data: float32(shape, data.map((v) => v / 8)) };
  };
  const added = { textWidth: 10, timeIds: 6, timeChannels: 4 };
  const { block, graph } = blockGraphs(
    unetBlockGraph({ ...config, added }, weights, { batch: 1 }),
  )[1];
  assertEquals(block.name, "time_embedding");
  const text = new TorchGenerator(0).randn([1, 10]);
  const numbers = [1024, 768, 0, 16, 1024, 1000];
  await using session = await openSession(graph);
  const { time_embedding } = await session.run({
    timestep: float32([1], Float32Array.of(481)),
    text_embeds: text,
    time_ids: float32([1, 6], numbers),
  });
  const time = embedded(wavesOf(481, 8), "time_embedding", weights);
  const joined = [...text.data, ...numbers.flatMap((n) => wavesOf(n, 2))];
  const conditions = embedded(joined, "add_embedding", weights);
  time.forEach((v, i) => {
    const found = Number(time_embedding.data[i]);
    assert(Math.abs(found - v - conditions[i]) < 1e-4, `${i}: ${found}`);
  });
});
