/** ONNX's numbers of the element types: `TensorProto.DataType` in `onnx.proto`. */
import type { DType } from "../tensor/tensor.ts";
import type { StoredFloat } from "../tensor/tensor_bytes.ts";

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

/** The number of each stored float, a format in which a file may hold float32 values. */
export const storedDataTypes: Readonly<Record<StoredFloat, number>> = {
  F64: 11,
  F16: 10,
  BF16: 16,
  F8_E4M3: 17,
  F8_E5M2: 19,
};

const dtypes = new Map(
  Object.entries(dataTypes).map(([dtype, code]) => [code, dtype as DType]),
);

/** The dtype with a number; undefined if our graphs do not have it. */
export const dtypeOfCode = (code: number): DType | undefined =>
  dtypes.get(code);
