/** Every operator by its name. */
import { describe } from "../../tensor/tensor.ts";
import type { Node, Value } from "../graph.ts";
import { multiHeadAttention } from "./attention/multi_head_attention.ts";
import { binaryOperators } from "./elementwise/binary.ts";
import { cast } from "./elementwise/cast.ts";
import { gelus } from "./elementwise/gelu.ts";
import { sines } from "./elementwise/sine.ts";
import { unaryOperators } from "./elementwise/unary.ts";
import { where } from "./elementwise/where.ts";
import { concat } from "./movement/concat.ts";
import { depthToSpace } from "./movement/depth_to_space.ts";
import { expand } from "./movement/expand.ts";
import { gather } from "./movement/gather.ts";
import { pad } from "./movement/pad.ts";
import { reshape } from "./movement/reshape.ts";
import { resize } from "./movement/resize.ts";
import { scatterND } from "./movement/scatter_nd.ts";
import { slice } from "./movement/slice.ts";
import { split } from "./movement/split.ts";
import { transpose } from "./movement/transpose.ts";
import { instanceNormalization } from "./normalization/instance_normalization.ts";
import { layerNormalization } from "./normalization/layer_normalization.ts";
import { reductions } from "./normalization/reductions.ts";
import { softmax } from "./normalization/softmax.ts";
import type { NodeCall, Operator, ShapeCall, ShapeRule } from "./operator.ts";
import { gemm } from "./products/gemm.ts";
import { eightBitOperators } from "./products/eight_bits.ts";
import { fusedMatMul, matMul } from "./products/mat_mul.ts";
import { averagePool } from "./windows/average_pool.ts";
import { conv } from "./windows/conv.ts";
import { convTranspose } from "./windows/conv_transpose.ts";
import { maxPool } from "./windows/max_pool.ts";

export const operators = {
  ...binaryOperators,
  ...eightBitOperators,
  ...gelus,
  ...reductions,
  ...sines,
  ...unaryOperators,
  AveragePool: averagePool,
  Cast: cast,
  Concat: concat,
  Conv: conv,
  ConvTranspose: convTranspose,
  DepthToSpace: depthToSpace,
  Expand: expand,
  FusedMatMul: fusedMatMul,
  Gather: gather,
  Gemm: gemm,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  MatMul: matMul,
  MaxPool: maxPool,
  MultiHeadAttention: multiHeadAttention,
  Pad: pad,
  Reshape: reshape,
  Resize: resize,
  ScatterND: scatterND,
  Slice: slice,
  Softmax: softmax,
  Split: split,
  Transpose: transpose,
  Where: where,
} satisfies Readonly<Record<string, Operator>>;

const byName: ReadonlyMap<string, Operator> = new Map(
  Object.entries(operators),
);

/** The record of a node's operator. @throws {RangeError} If the operator is unknown. */
export function operatorOf({ op, name }: Pick<Node, "op" | "name">): Operator {
  const operator = byName.get(op);
  if (operator) return operator;
  throw new RangeError(
    `Cannot use operator "${op}" of node "${name}": it is unknown`,
  );
}

/**
 * Shapes and dtypes of a node's outputs.
 *
 * @throws {RangeError} If shapes disagree or the operator is unknown; the message names the node.
 */
export function inferShapes(
  { node, inputs, constant }: NodeCall & Pick<ShapeCall, "constant">,
): ReturnType<ShapeRule> {
  const fail = (reason: string): never => {
    const found = inputs.map((v) => v ? describe(v) : "none").join(", ");
    throw new RangeError(
      `Cannot infer the shape of node "${node.name}" (${node.op}): ${reason}; inputs are ${found}`,
    );
  };
  const input = (i: number): Value =>
    inputs[i] ?? fail(`input ${i} is missing`);
  const { shape } = operatorOf(node);
  return shape({ node, inputs, x: input(0), input, constant, fail });
}
