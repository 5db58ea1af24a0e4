/** TODO core/autodiff */
export { splitHeads } from "../onnx/ops/attention/attention_vjp.ts";
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
