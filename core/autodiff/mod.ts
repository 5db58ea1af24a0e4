/**
 * Gradients: {@linkcode vjpGraph} makes the graph of a graph's vector-Jacobian
 * product, from the rule in each operator's file in `core/onnx/ops`. Optimisers
 * update weights along the gradients; the weights are one flat vector.
 */
export { dearProducts } from "./dear_products.ts";
export {
  type FlatParameters,
  flatten,
  layOut,
  viewsOf,
} from "./optimizers/flat_parameters.ts";
export { clipGradient } from "./optimizers/gradient_norm.ts";
export { cosineLearningRate } from "./optimizers/learning_rate.ts";
export { updateAverage } from "./optimizers/moving_average.ts";
export { adamW, type Optimizer, sgd } from "./optimizers/optimizer.ts";
export {
  cotangentOf,
  gradientOf,
  parametersAsInputs,
  vjpGraph,
} from "./vjp.ts";
