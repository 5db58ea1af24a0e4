/**
 * Weights on disk: safetensors, files by `torch.save` and indices of several,
 * opened by their headers alone; each tensor is a byte range that ONNX Runtime
 * can map. Independent of models.
 */
export { asClipModel } from "./original/open_clip.ts";
export { openTensorFile } from "./open_tensor_file.ts";
export {
  openSafetensors,
  type SafetensorsFile,
  writeSafetensors,
} from "./safetensors.ts";
export {
  type StoredTensor,
  type TensorFile,
  tensorFile,
} from "./tensor_file.ts";
