/**
 * ONNX graphs on ONNX Runtime: sessions on a CPU or GPU, in float32, float16 or
 * 8 bits, and graphs written as files that any ONNX Runtime opens.
 */
export { DeviceTensor, type Feeds, type PlacedTensor } from "./feeds.ts";
export { runtimeVersion } from "./onnx_runtime.ts";
export { foldConstants, foldSteps } from "./fold_steps.ts";
export { inPrecision } from "./in_precision.ts";
export {
  checkPrecision,
  nodesOffDevice,
  openSession,
  Session,
} from "./session.ts";
export {
  type Device,
  devices,
  floatPrecisions,
  type Int8Precision,
  int8Precisions,
  isInt8,
  type Precision,
  precisions,
  type SessionOptions,
} from "./session_options.ts";
export { usualWidening } from "./widening.ts";
export { useSoftwareGpu } from "./software_gpu.ts";
export { writeModels } from "./model_files/write_model.ts";
export { webgpuGraph } from "./webgpu_graph.ts";
