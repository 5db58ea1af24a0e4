/** Weights on disk. */
export * from "./find_weights.ts";
export * from "./finite.ts";
export * from "../tensor/float16.ts";
export * from "./open_tensor_file.ts";
export * from "./safetensors.ts";
export type {
  SafetensorsDType,
  SafetensorsEntry,
  SafetensorsHeader,
} from "./safetensors_header.ts";
export type { FloatStorage } from "./safetensors_values.ts";
export type { StoredTensor, TensorFile } from "./tensor_file.ts";
