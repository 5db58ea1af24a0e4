/** Conformance of a DiT: the features of every block, and the outputs, against recorded ones. */
import {
  type BlockGraph,
  blockGraphs,
  type CompiledBlock,
  residualOf,
  wholeGraph,
} from "../../core/models/block_graph.ts";
import type { DitOptions } from "../../core/models/dit.ts";
import { blockGraphOf, loadModel } from "../../core/models/load.ts";
import { openSession } from "../../core/runtime/session.ts";
import { float32, type Tensor } from "../../core/tensor.ts";
import {
  openSafetensors,
  type SafetensorsFile,
} from "../../core/weights/safetensors.ts";
import { difference } from "./difference.ts";
import type { Conformance } from "./ops.ts";

/** Accepted errors between float32 implementations: relative to the tensor's maximum, and absolute. */
const limits = { relative: 2e-5, maxAbs: 1e-4 };

/** The case whose block features were recorded. */
const traced = "t981";

/**
 * Runs every recorded case of a DiT. The traced case goes block by block, in
 * execution order: the first row that is not ok names the first block that differs.
 *
 * @param folder `config.json`, weights, `case.safetensors` and `trace.safetensors`.
 * @throws {RangeError} If a recorded tensor is missing or of another shape.
 */
export async function* runDitCase(
  folder: string,
  { granularity, backup }: Omit<DitOptions, "batch"> = {},
): AsyncGenerator<Conformance> {
  const model = await loadModel(folder);
  const recorded = openSafetensors(`${folder}/case.safetensors`);
  const trace = openSafetensors(`${folder}/trace.safetensors`);
  const batch = recorded.readSync("sample").shape[0];
  const graph = blockGraphOf(model, { batch, granularity, backup });
  const name = folder.split("/").findLast((part) => part !== "")!;
  yield* runTrace(graph, {
    name: `${name}/${traced}`,
    feeds: feedsOf(recorded, traced),
    trace,
  });
  await using session = await openSession(wholeGraph(graph));
  for (const label of labelsOf(recorded)) {
    const found = await session.run(feedsOf(recorded, label));
    const expected = recorded.readSync(`${label}.output`);
    yield compared(
      { case: `${name}/${label}`, tensor: "output" },
      found[graph.output],
      expected,
    );
  }
}

function compared(
  name: { readonly case: string; readonly tensor: string },
  found: Tensor,
  expected: Tensor,
): Conformance {
  const distance = difference(found, expected);
  const { maxAbs, relative } = distance;
  const ok = maxAbs <= limits.maxAbs && relative <= limits.relative;
  return { ...name, ...distance, limit: limits.relative, ok };
}

/** `t1`, `tmixed`, …: what the recorded outputs are called. */
function labelsOf({ tensors }: SafetensorsFile): string[] {
  return [...tensors.keys()].filter((key) => key.endsWith(".output"))
    .map((key) => key.slice(0, -".output".length));
}

function feedsOf(recorded: SafetensorsFile, label: string) {
  return {
    sample: recorded.readSync("sample"),
    timestep: recorded.readSync(`${label}.timestep`),
    class_labels: recorded.readSync("class_labels"),
  };
}

interface TracedCase {
  readonly name: string;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly trace: SafetensorsFile;
}

async function* runTrace(
  graph: BlockGraph,
  { name, feeds, trace }: TracedCase,
): AsyncGenerator<Conformance> {
  const tensors = new Map(Object.entries(feeds));
  for (const compiled of blockGraphs(graph)) {
    for (const [tensor, found] of await runBlock(compiled, tensors)) {
      tensors.set(tensor, found);
      const key = recordedKey(tensor);
      if (!key || !trace.tensors.has(key)) continue;
      const expected = trace.readSync(key);
      const { shape } = tensor.endsWith(".norm1") ? expected : found; // [B, 6, D] is recorded as [B, 6D]
      const shaped = { ...found, shape };
      yield compared({ case: name, tensor: key }, shaped, expected);
    }
  }
}

/** The key under which a block's tensor was recorded, or null. Hooks see modules, so the stream between attention and MLP is not among them. */
function recordedKey(tensor: string): string | null {
  if (tensor.endsWith(".attn1") || tensor === "prediction") return null;
  if (tensor.endsWith(".norm1")) return `${tensor}.linear`;
  return tensor.replace(/\.ff$/, "");
}

/** What a block makes, its residual added to the stream. */
async function runBlock(
  { block, graph }: CompiledBlock,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<[string, Tensor][]> {
  await using session = await openSession(graph);
  const feeds = block.inputs.map((name) => [name, tensors.get(name)!]);
  const made = await session.run(Object.fromEntries(feeds));
  const { residual } = block;
  return block.outputs.map((name) => [
    name,
    residual ? sum(tensors.get(residual)!, made[residualOf(name)]) : made[name],
  ]);
}

function sum(a: Tensor, b: Tensor): Tensor {
  const [p, q] = [a.data as Float32Array, b.data as Float32Array];
  return float32(a.shape, p.map((value, i) => value + q[i]));
}
