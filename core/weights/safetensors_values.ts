/**
 * Conversion between the bytes of a safetensors file and tensors. Both are
 * little-endian, as is every machine that Deno runs on.
 */
import { bytesOf, type DType, type Tensor } from "../tensor/tensor.ts";
import { float32ToBfloat16, float32ToFloat16 } from "../tensor/float16.ts";
import {
  isStoredFloat,
  tensorOfBytes,
  widenedOfBytes,
} from "../tensor/tensor_bytes.ts";
import type { SafetensorsDType } from "./safetensors_header.ts";

/** The dtypes that floating-point tensors can be stored as. */
export type FloatStorage = "F32" | "F16" | "BF16";

/** The bytes of one tensor, as they lie in a file. */
export interface StoredBytes {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const storageOf: Record<DType, SafetensorsDType> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  int64: "I64",
  int32: "I32",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

const dtypeOf = new Map(
  Object.entries(storageOf).map(([dtype, stored]) => [stored, dtype as DType]),
);

/** The dtype of a tensor once it is read; floats that have none here become float32. */
export const dtypeRead = (stored: SafetensorsDType): DType =>
  dtypeOf.get(stored) ?? "float32";

/**
 * Decodes bytes as a view if they are aligned; BF16 and both F8, which have no
 * dtype here, become float32.
 *
 * @param name The tensor's name in errors.
 * @throws {TypeError} If the dtype has no counterpart, or a BOOL is neither 0 nor 1.
 */
export function decodeStored(
  { dtype: stored, shape, bytes }: StoredBytes,
  name: string,
): Tensor {
  const dtype = dtypeOf.get(stored);
  if (dtype === "bool") checkBooleans(bytes, name);
  if (dtype) return tensorOfBytes({ name, dtype, shape }, bytes);
  if (isStoredFloat(stored)) {
    return widenedOfBytes({ name, shape }, bytes, stored);
  }
  throw new TypeError(
    `Cannot read ${name}: dtype is ${stored}, expected F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I8, U8 or BOOL`,
  );
}

function checkBooleans(bytes: Uint8Array, name: string): void {
  const wrong = bytes.findIndex((byte) => byte > 1);
  if (wrong === -1) return;
  throw new TypeError(
    `Cannot read ${name}: BOOL at index ${wrong} is ${
      bytes[wrong]
    }, expected 0 or 1`,
  );
}

/**
 * Converts values to float32: float64 is rounded to nearest even, other dtypes
 * are exact; a float32 tensor is returned unchanged.
 *
 * @param origin The tensor's name in errors.
 * @throws {TypeError} If the tensor has no float dtype.
 */
export function widenToFloat32(
  values: Tensor,
  origin: string,
): Tensor<"float32"> {
  const { dtype, shape, data } = values;
  const stored = storageOf[dtype];
  if (stored === "F32") return values as Tensor<"float32">;
  if (isStoredFloat(stored)) {
    return widenedOfBytes({ name: origin, shape }, bytesOf(data), stored);
  }
  throw new TypeError(
    `Cannot read ${origin} as float32: it is ${dtype}, expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2`,
  );
}

/** The dtype that a tensor is stored as; `floats` decides for float32 and float16. */
export function storedDType(
  { dtype }: Tensor,
  floats: FloatStorage | undefined,
): SafetensorsDType {
  const isFloat = dtype === "float32" || dtype === "float16";
  return isFloat && floats ? floats : storageOf[dtype];
}

/** The bytes to store, rounded to nearest even if `dtype` is narrower. */
export function encodeStored(
  values: Tensor,
  dtype: SafetensorsDType,
): Uint8Array {
  if (dtype === storageOf[values.dtype]) return bytesOf(values.data);
  const { data } = widenToFloat32(values, "a tensor");
  if (dtype === "F16") return bytesOf(float32ToFloat16(data));
  if (dtype === "BF16") return bytesOf(float32ToBfloat16(data));
  return bytesOf(data);
}
