/** Running ONNX graphs on ONNX Runtime. */
export { foldConstants } from "./fold_constants.ts";
export { halfPrecision } from "./half_precision.ts";
export {
  checkPrecision,
  type Device,
  devices,
  DeviceTensor,
  type Feeds,
  nodesOffDevice,
  openSession,
  type PlacedTensor,
  type Precision,
  precisions,
  Session,
  type SessionOptions,
} from "./session.ts";
export { useSoftwareGpu } from "./software_gpu.ts";
export { writeModels } from "./write_model.ts";
