/**
 * Single-operator conformance: the cases of a folder laid out like the
 * `grads-ops` fixtures (`ops.json`, `case.safetensors`), forward and backward.
 * Each case's loss is Σ output ⊙ R.
 */
import { cotangentOf, gradientOf, vjpGraph } from "@dip-go/core/autodiff";
import { type Graph, GraphBuilder } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { type Conformance, judge } from "../../judge.ts";
import { type OpAttributes, opGraphs } from "./op_graphs.ts";

/** One entry of `ops.json`. */
export interface OpSpec {
  readonly op: string;
  readonly attrs: OpAttributes;
  readonly inputs: readonly string[];
  /** Inputs that have a recorded gradient. */
  readonly grads: readonly string[];
}

/** A case ready to run. */
export interface OpCase {
  readonly name: string;
  /** Forward and backward in one: outputs are `output` and the gradients. */
  readonly graph: Graph;
  /** The operands and the cotangent R. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The recorded tensors, keyed by the graph's outputs. */
  readonly expected: Readonly<Record<string, Tensor>>;
}

/** Accepted error of a single operator relative to the tensor's maximum. */
export const opLimit = 1e-5;

/**
 * Builds a case: its graph, its feeds, its recorded outputs.
 *
 * @param read Reads a tensor of the fixtures by name, `<case>.<tensor>`.
 * @throws {RangeError} If the operator is unknown.
 */
export function opCase(
  name: string,
  { op, attrs, inputs, grads }: OpSpec,
  read: (tensor: string) => Tensor,
): OpCase {
  if (!Object.hasOwn(opGraphs, op)) {
    throw new RangeError(
      `Cannot build case "${name}": operator "${op}" is unknown, expected one of ${
        Object.keys(opGraphs).join(", ")
      }`,
    );
  }
  const tensors = Object.fromEntries(
    inputs.map((input) => [input, read(`${name}.${input}`)]),
  );
  const g = new GraphBuilder(name);
  const operands = Object.fromEntries(
    Object.entries(tensors).map(([input, { dtype, shape }]) => [
      input,
      g.input(input, dtype, shape),
    ]),
  );
  const output = opGraphs[op](g, operands, attrs);
  const expected: Record<string, Tensor> = { output: read(`${name}.output`) };
  for (const input of grads) {
    expected[gradientOf(input)] = read(`${name}.grad.${input}`);
  }
  return {
    name,
    graph: vjpGraph(g.build({ output }), { wrt: grads, keep: ["output"] }),
    feeds: { ...tensors, [cotangentOf("output")]: read(`${name}.R`) },
    expected,
  };
}

/**
 * Runs every case of a folder on the CPU.
 *
 * @param limit Largest accepted error relative to a tensor's maximum.
 * @returns Each case's output and gradients in turn, compared with the recorded ones.
 */
export async function* runOpCases(
  folder: string,
  { limit = opLimit }: { limit?: number } = {},
): AsyncGenerator<Conformance> {
  const text = await Deno.readTextFile(`${folder}/ops.json`);
  const specs: Record<string, OpSpec> = JSON.parse(text);
  const { read } = openSafetensors(`${folder}/case.safetensors`);
  for (const [name, spec] of Object.entries(specs)) {
    yield* runOpCase(opCase(name, spec, read), limit);
  }
}

async function* runOpCase(
  { name, graph, feeds, expected: recorded }: OpCase,
  limit: number,
): AsyncGenerator<Conformance> {
  await using session = await openSession(graph);
  const results = await session.run(feeds);
  for (const [tensor, expected] of Object.entries(recorded)) {
    const found = results[tensor];
    const limits = { relative: limit };
    yield judge({ case: name, tensor, found, expected, limits });
  }
}
