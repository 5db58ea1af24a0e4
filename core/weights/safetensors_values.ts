/**
 * Between the bytes of a safetensors file and tensors. Both are little-endian,
 * as is every machine that Deno runs on.
 */
import { type DType, type Tensor, tensor } from "../tensor/tensor.ts";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from "../tensor/float16.ts";
import { float8ToFloat32 } from "../tensor/float8.ts";
import type { SafetensorsDType } from "./safetensors_header.ts";

/** The dtypes that floating-point tensors can be stored as. */
export type FloatStorage = "F32" | "F16" | "BF16";

/** Bytes of one tensor as they lie in a file. */
export interface StoredBytes {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The tensor of freshly read bytes, which are not copied. BF16 and both F8, which have no dtype of ours, become float32; the rest keep theirs.
 *
 * @param stored Bytes that start their buffer, of the shape's length.
 * @param origin The tensor's name in errors.
 * @throws {TypeError} If the dtype has no counterpart, or a BOOL is neither 0 nor 1.
 */
export function decodeStored(stored: StoredBytes, origin: string): Tensor {
  const { dtype, shape, bytes } = stored;
  const { buffer } = bytes;
  switch (dtype) {
    case "F64":
      return tensor("float64", shape, new Float64Array(buffer));
    case "F32":
      return tensor("float32", shape, new Float32Array(buffer));
    case "F16":
      return tensor("float16", shape, new Uint16Array(buffer));
    case "BF16":
      return tensor(
        "float32",
        shape,
        bfloat16ToFloat32(new Uint16Array(buffer)),
      );
    case "F8_E4M3":
    case "F8_E5M2":
      return tensor("float32", shape, float8ToFloat32(bytes, dtype));
    case "I64":
      return tensor("int64", shape, new BigInt64Array(buffer));
    case "I32":
      return tensor("int32", shape, new Int32Array(buffer));
    case "U8":
      return tensor("uint8", shape, bytes);
    case "BOOL":
      return decodeBool(stored, origin);
    default:
      throw new TypeError(
        `Cannot read ${origin}: dtype is ${dtype}, expected F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, U8 or BOOL`,
      );
  }
}

function decodeBool({ shape, bytes }: StoredBytes, origin: string): Tensor {
  const wrong = bytes.findIndex((byte) => byte > 1);
  if (wrong === -1) return tensor("bool", shape, bytes);
  throw new TypeError(
    `Cannot read ${origin}: BOOL at index ${wrong} is ${
      bytes[wrong]
    }, expected 0 or 1`,
  );
}

/**
 * The same values in float32: those of a float64 tensor rounded to nearest
 * even, others exactly; a float32 tensor is returned as it is.
 *
 * @param origin The tensor's name in errors.
 * @throws {TypeError} If the tensor is of no float dtype.
 */
export function widenToFloat32(
  values: Tensor,
  origin: string,
): Tensor<"float32"> {
  if (isOf(values, "float32")) return values;
  if (isOf(values, "float16")) {
    return tensor("float32", values.shape, float16ToFloat32(values.data));
  }
  if (isOf(values, "float64")) {
    return tensor("float32", values.shape, Float32Array.from(values.data));
  }
  throw new TypeError(
    `Cannot read ${origin} as float32: it is ${values.dtype}, expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2`,
  );
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

/** The dtype a tensor is stored as; `floats` decides for float32 and float16. */
export function storedDType(
  { dtype }: Tensor,
  floats: FloatStorage | undefined,
): SafetensorsDType {
  const isFloat = dtype === "float32" || dtype === "float16";
  return isFloat && floats ? floats : storageOf[dtype];
}

/** The bytes to store, rounded to nearest even where `dtype` is narrower. */
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

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function isOf<D extends DType>(values: Tensor, dtype: D): values is Tensor<D> {
  return values.dtype === dtype;
}
