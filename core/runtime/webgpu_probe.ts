/** Finds the abilities of this machine's GPU by trying: the runtime does not tell. */
import { GraphBuilder } from "../onnx/builder.ts";
import type { Graph } from "../onnx/graph.ts";
import { float32, type Tensor } from "../tensor/tensor.ts";
import type { WebgpuTraits } from "../onnx/ops/operator.ts";

export interface WebgpuProbe extends WebgpuTraits {
  /** Whether the GPU computes in float16 (WebGPU's feature shader-f16). */
  readonly float16: boolean;
}

/** Opens a session for the unchanged graph and runs it once. */
export type RunOnce = (
  graph: Graph,
  device: "cpu" | "webgpu",
  feeds: Readonly<Record<string, Tensor>>,
) => Promise<Record<string, Tensor>>;

/** Sizes with enough tokens for the provider to choose the kernel that pictures get. */
const [tokens, heads, width] = [64, 2, 16];

/** The largest difference to the CPU that rounding explains. */
const tolerance = 1e-3;

/** Tries small graphs on the GPU. @throws {Error} If there is no device to run on. */
export async function probeWebgpu(run: RunOnce): Promise<WebgpuProbe> {
  const fusedAttention = await attentionIsRight(run);
  return { fusedAttention, float16: await computesInHalf(run) };
}

async function attentionIsRight(run: RunOnce): Promise<boolean> {
  const g = new GraphBuilder("probe of attention");
  const [q, k, v] = ["q", "k", "v"].map((name) =>
    g.input(name, "float32", [1, tokens, width])
  );
  const graph = g.build({ y: g.multiHeadAttention(q, k, v, { heads }) });
  const feeds = { q: waves(1), k: waves(2), v: waves(3) };
  const expected = (await run(graph, "cpu", feeds)).y.data as Float32Array;
  const found = (await run(graph, "webgpu", feeds)).y.data as Float32Array;
  return expected.every((x, i) => Math.abs(x - found[i]) < tolerance);
}

async function computesInHalf(run: RunOnce): Promise<boolean> {
  const g = new GraphBuilder("probe of float16");
  const x = g.cast(g.input("x", "float32", [2]), "float16");
  const graph = g.build({ y: g.cast(g.add(x, x), "float32") });
  try {
    const { y } = await run(graph, "webgpu", { x: float32([2], [1.5, -2]) });
    return y.data[0] === 3 && y.data[1] === -4;
  } catch {
    return false; // shaders that declare f16 do not compile
  }
}

/** Values between -2 and 2 without a pattern that attention would hide. */
const waves = (seed: number): Tensor<"float32"> =>
  float32(
    [1, tokens, width],
    Float32Array.from(
      { length: tokens * width },
      (_, i) => 2 * Math.sin(seed + 1.7 * i * seed),
    ),
  );
