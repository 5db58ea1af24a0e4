import { assert, assertEquals } from "@std/assert";
import { GraphBuilder } from "../../onnx/builder.ts";
import type { Graph, Value } from "../../onnx/graph.ts";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSession } from "../../runtime/session.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import {
  affineLayerNorm,
  convolution,
  groupNorm,
  type LayerOptions,
  linear,
} from "./layers.ts";
import { noWeights, type WeightSource } from "../block_graph/weights.ts";

const weights: WeightSource = (key, shape) => ({
  data: new TorchGenerator(key.length).randn(shape),
});

function graphOf(
  shape: readonly number[],
  layer: (g: GraphBuilder, x: Value) => Value,
): Graph {
  const g = new GraphBuilder("layer");
  return g.build({ y: layer(g, g.input("x", "float32", shape)) });
}

async function run(x: Tensor, layer: Parameters<typeof graphOf>[1]) {
  await using session = await openSession(graphOf(x.shape, layer));
  return (await session.run({ x })).y.data as Float32Array;
}

const data = (key: string, shape: readonly number[]) =>
  weights(key, shape).data!.data as Float32Array;

/** (v − mean) / √(variance + ε) of each run of `size` numbers, in float64. */
function normalized(values: Float32Array, size: number, epsilon: number) {
  return Array.from(values, (v, i) => {
    const from = i - i % size;
    const run = [...values.subarray(from, from + size)];
    const mean = run.reduce((a, b) => a + b, 0) / size;
    const variance = run.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
    return (v - mean) / Math.sqrt(variance + epsilon);
  });
}

function assertClose(found: Float32Array, expected: readonly number[]) {
  assertEquals(found.length, expected.length);
  const worst = Math.max(...expected.map((v, i) => Math.abs(found[i] - v)));
  assert(worst < 1e-5, `differs by ${worst}`);
}

Deno.test("groupNorm() normalises groups of channels, then scales each channel", async () => {
  const [B, C, H, W] = [2, 6, 3, 2];
  const x = new TorchGenerator(0).randn([B, C, H, W]);
  const options = { path: "norm", groups: 2, epsilon: 1e-2, weights };
  const found = await run(x, (g, x) => groupNorm(g, x, options));
  const scale = data("norm.weight", [C]);
  const bias = data("norm.bias", [C]);
  const plain = normalized(x.data, C / 2 * H * W, 1e-2);
  const channel = (i: number) => Math.floor(i / (H * W)) % C;
  assertClose(
    found,
    plain.map((v, i) => v * scale[channel(i)] + bias[channel(i)]),
  );
});

Deno.test("affineLayerNorm() normalises the last axis, then scales each feature", async () => {
  const x = new TorchGenerator(0).randn([2, 3, 4]);
  const options = { path: "norm", epsilon: 1e-2, weights };
  const found = await run(x, (g, x) => affineLayerNorm(g, x, options));
  const scale = data("norm.weight", [4]);
  const bias = data("norm.bias", [4]);
  const plain = normalized(x.data, 4, 1e-2);
  assertClose(found, plain.map((v, i) => v * scale[i % 4] + bias[i % 4]));
});

Deno.test("convolution() keeps the size by default, and halves it at stride 2", () => {
  const shapeOf = (options: { kernel: number; stride?: number }) =>
    graphOf([2, 3, 8, 8], (g, x) => {
      const layer: LayerOptions = { path: "conv", weights: noWeights };
      return convolution(g, x, { ...layer, channels: 5, ...options });
    }).outputs[0].shape;
  assertEquals(shapeOf({ kernel: 3 }), [2, 5, 8, 8]);
  assertEquals(shapeOf({ kernel: 1 }), [2, 5, 8, 8]);
  assertEquals(shapeOf({ kernel: 3, stride: 2 }), [2, 5, 4, 4]);
});

Deno.test("linear() has a bias unless `bias` is false", () => {
  const keysOf = (bias?: boolean) => {
    const options = { path: "fc", width: 3, weights: noWeights, bias };
    const graph = graphOf([2, 4], (g, x) => linear(g, x, options));
    return [...graph.initializers.keys()];
  };
  assertEquals(keysOf(), ["fc.weight", "fc.bias"]);
  assertEquals(keysOf(false), ["fc.weight"]);
});
