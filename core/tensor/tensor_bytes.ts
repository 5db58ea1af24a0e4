/** Tensors from raw bytes, row-major and little-endian, as ONNX files and safetensors hold them. */
import { bfloat16ToFloat32, float16ToFloat32 } from "./float16.ts";
import { type Float8Format, float8ToFloat32 } from "./float8.ts";
import {
  arrayOf,
  bytesPerElement,
  describe,
  type DType,
  float32,
  sizeOf,
  type Tensor,
} from "./tensor.ts";

/** A tensor's name, for errors, and its shape. */
interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * The tensor in `bytes`: a view of them if they are aligned to the element size,
 * else a copy.
 *
 * @throws {RangeError} If the number of bytes does not fit the value's shape; the message names the value.
 */
export function tensorOfBytes(
  value: Named & { readonly dtype: DType },
  bytes: Uint8Array,
): Tensor {
  const { name, dtype, shape } = value;
  const expected = sizeOf(shape) * bytesPerElement[dtype];
  if (bytes.byteLength !== expected) {
    throw new RangeError(
      `Cannot read "${name}" ${
        describe(value)
      }: found ${bytes.byteLength} bytes, expected ${expected}`,
    );
  }
  const aligned = bytes.byteOffset % bytesPerElement[dtype] === 0;
  const { buffer, byteOffset } = aligned ? bytes : bytes.slice();
  const data = new arrayOf[dtype](buffer, byteOffset, sizeOf(shape));
  return { dtype, shape, data };
}

/** The dtype of the array that holds stored floats, and the function that widens it to float32. */
interface StoredForm {
  readonly dtype: DType;
  readonly widened: (data: never) => Float32Array;
}

const float8 = (format: Float8Format): StoredForm => ({
  dtype: "uint8",
  widened: (data: Uint8Array) => float8ToFloat32(data, format),
});

/** The floats other than float32 in which files hold weights, by their names in safetensors. */
export const storedFloats = {
  F64: {
    dtype: "float64",
    widened: (data: Float64Array) => Float32Array.from(data),
  },
  F16: { dtype: "float16", widened: float16ToFloat32 },
  BF16: { dtype: "float16", widened: bfloat16ToFloat32 },
  F8_E4M3: float8("F8_E4M3"),
  F8_E5M2: float8("F8_E5M2"),
} satisfies Record<string, StoredForm>;

export type StoredFloat = keyof typeof storedFloats;

export const isStoredFloat = (dtype: string): dtype is StoredFloat =>
  Object.hasOwn(storedFloats, dtype);

/** The float32 tensor of stored floats: exact, but F64 is rounded. @throws As {@linkcode tensorOfBytes}. */
export function widenedOfBytes(
  { name, shape }: Named,
  bytes: Uint8Array,
  stored: StoredFloat,
): Tensor<"float32"> {
  const { dtype, widened }: StoredForm = storedFloats[stored];
  const { data } = tensorOfBytes({ name, dtype, shape }, bytes);
  return float32(shape, widened(data as never));
}
