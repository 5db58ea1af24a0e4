/** ONNX's numbers of the element types: `TensorProto.DataType` in `onnx.proto`. */
import type { DType } from "../tensor/tensor.ts";

/** The number of each dtype, in files and in `Cast`'s attribute `to`. */
export const dataTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};

/** The number and the bytes of each form that a file may hold float32 values in. */
export const storedFloats = {
  float64: { code: 11, bytes: 8 },
  float16: { code: 10, bytes: 2 },
  bfloat16: { code: 16, bytes: 2 },
  float8e4m3fn: { code: 17, bytes: 1 },
  float8e5m2: { code: 19, bytes: 1 },
} as const;

const dtypes = new Map(
  Object.entries(dataTypes).map(([dtype, code]) => [code, dtype as DType]),
);

/** The dtype of a number, or undefined where our graphs do not have it. */
export const dtypeOfCode = (code: number): DType | undefined =>
  dtypes.get(code);
