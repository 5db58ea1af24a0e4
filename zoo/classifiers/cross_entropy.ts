/** Cross-entropy of logits, for training classifiers and contrastive pairs. */
import type { GraphBuilder, Value } from "@dip-go/core/onnx";

/** Mean over B of −log softmax(logits) · target; logits and one-hot targets `[B, K]`. */
export function crossEntropy(
  g: GraphBuilder,
  logits: Value,
  target: Value,
): Value {
  const shifted = g.sub(logits, g.reduceMax(logits, { axes: [1] }));
  const logSum = g.log(g.reduceSum(g.exp(shifted), { axes: [1] }));
  const logLikelihood = g.reduceSum(g.mul(target, g.sub(shifted, logSum)), {
    axes: [1],
  });
  return g.neg(g.reduceMean(logLikelihood, { keepDims: false }));
}
