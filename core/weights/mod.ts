/** Weights on disk. */
export { openTensorFile } from "./open_tensor_file.ts";
export {
  openSafetensors,
  type SafetensorsFile,
  writeFloat32Batches,
  writeSafetensors,
} from "./safetensors.ts";
export {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "./tensor_file.ts";
