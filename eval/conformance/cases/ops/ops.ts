/**
 * Single-operator conformance: the cases of a folder laid out like the
 * `grads-ops` fixtures (`ops.json`, `case.safetensors`), forward and backward.
 * Each case's loss is Σ output ⊙ R.
 */
import { cotangentOf, gradientOf, vjpGraph } from "@dip-go/core/autodiff";
import { GraphBuilder } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { type Conformance, judgeOf } from "../../judge.ts";
import { type OpAttributes, opGraphs } from "./op_graphs.ts";

/** One entry of `ops.json`. */
export interface OpSpec {
  readonly op: string;
  readonly attrs: OpAttributes;
  readonly inputs: readonly string[];
  /** Inputs that have a recorded gradient. */
  readonly grads: readonly string[];
}

/**
 * Builds a case.
 *
 * @param read Reads a tensor of the fixtures by name, `<case>.<tensor>`.
 * @returns The graph, forward and backward in one; its feeds, which are the
 * operands and the cotangent R; the recorded tensors, by the graph's outputs.
 * @throws {RangeError} If the operator is unknown.
 */
export function opCase(
  name: string,
  { op, attrs, inputs, grads }: OpSpec,
  read: (tensor: string) => Tensor,
) {
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
    graph: vjpGraph(g.build({ output }), { wrt: grads, keep: ["output"] }),
    feeds: { ...tensors, [cotangentOf("output")]: read(`${name}.R`) },
    expected,
  };
}

/**
 * Runs every case of a folder on the CPU.
 *
 * @param limit The largest accepted error relative to a tensor's maximum.
 * @returns Each case's output and gradients in turn, compared with the recorded ones.
 */
export async function* runOpCases(
  folder: string,
  { limit = 1e-5 }: { limit?: number } = {},
): AsyncGenerator<Conformance> {
  const text = await Deno.readTextFile(`${folder}/ops.json`);
  const specs: Record<string, OpSpec> = JSON.parse(text);
  const { read } = openSafetensors(`${folder}/case.safetensors`);
  for (const [name, spec] of Object.entries(specs)) {
    const { graph, feeds, expected } = opCase(name, spec, read);
    const judge = judgeOf(name, { relative: limit });
    await using session = await openSession(graph);
    const found = await session.run(feeds);
    for (const tensor of Object.keys(expected)) {
      yield judge(tensor, found[tensor], expected[tensor]);
    }
  }
}
