/** Weights on disk. */
export * from "./finite.ts";
export * from "./float16.ts";
export * from "./safetensors.ts";
export type {
  SafetensorsDType,
  SafetensorsEntry,
  SafetensorsHeader,
} from "./safetensors_header.ts";
export type { FloatStorage } from "./safetensors_values.ts";
