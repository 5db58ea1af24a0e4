/**
 * The table of VJP rules, keyed by operator. An operator needs an entry when a
 * graph that is differentiated has it between a target and an output.
 */
import { multiHeadAttentionVjp } from "../onnx/ops/attention/attention_vjp.ts";
import { convTransposeVjp, convVjp } from "../onnx/ops/windows/conv.ts";
import * as e from "../onnx/ops/elementwise/unary.ts";
import { instanceNormalizationVjp } from "../onnx/ops/normalization/instance_normalization.ts";
import * as n from "../onnx/ops/normalization/layer_normalization.ts";
import * as pool from "../onnx/ops/windows/pooling.ts";
import * as p from "../onnx/ops/products/product.ts";
import { resizeVjp } from "../onnx/ops/movement/resize.ts";
import * as s from "../onnx/ops/movement/shape.ts";
import type { VjpRule } from "../onnx/ops/operator.ts";

export const rules: Readonly<Record<string, VjpRule>> = {
  Abs: e.absVjp,
  Add: e.addVjp,
  AveragePool: pool.averagePoolVjp,
  Cast: s.castVjp,
  Concat: s.concatVjp,
  Conv: convVjp,
  ConvTranspose: convTransposeVjp,
  Cos: e.cosVjp,
  Div: e.divVjp,
  Erf: e.erfVjp,
  Exp: e.expVjp,
  Expand: s.expandVjp,
  FusedMatMul: p.matMulVjp,
  Gather: s.gatherVjp,
  Gelu: e.geluVjp,
  Gemm: p.gemmVjp,
  Identity: s.identityVjp,
  InstanceNormalization: instanceNormalizationVjp,
  LayerNormalization: n.layerNormalizationVjp,
  Log: e.logVjp,
  MatMul: p.matMulVjp,
  Max: pool.maxVjp,
  MaxPool: pool.maxPoolVjp,
  Min: pool.minVjp,
  Mul: e.mulVjp,
  MultiHeadAttention: multiHeadAttentionVjp,
  Neg: e.negVjp,
  Pad: s.padVjp,
  Pow: e.powVjp,
  QuickGelu: e.quickGeluVjp,
  Reciprocal: e.reciprocalVjp,
  ReduceMax: pool.reduceMaxVjp,
  ReduceMean: n.reduceMeanVjp,
  ReduceSum: n.reduceSumVjp,
  Relu: e.reluVjp,
  Reshape: s.reshapeVjp,
  Resize: resizeVjp,
  Sigmoid: e.sigmoidVjp,
  Sin: e.sinVjp,
  Slice: s.sliceVjp,
  Softmax: n.softmaxVjp,
  Split: s.splitVjp,
  Sqrt: e.sqrtVjp,
  Sub: e.subVjp,
  Tanh: e.tanhVjp,
  Transpose: s.transposeVjp,
  Where: s.whereVjp,
};
