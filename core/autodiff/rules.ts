/**
 * The table of VJP rules, keyed by operator. An operator needs an entry when a
 * graph that is differentiated has it between a target and an output.
 */
import { multiHeadAttentionVjp } from "./attention.ts";
import { convTransposeVjp, convVjp } from "./convolution.ts";
import * as e from "./elementwise.ts";
import { instanceNormalizationVjp } from "./instance_normalization.ts";
import * as n from "./normalization.ts";
import * as pool from "./pooling.ts";
import * as p from "./products.ts";
import { resizeVjp } from "./resize.ts";
import * as s from "./shape.ts";
import type { VjpRule } from "./vjp_call.ts";

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
