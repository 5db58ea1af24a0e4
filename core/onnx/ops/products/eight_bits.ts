/** Operators for products of 8-bit integers: A is quantised at each run, B beforehand. */
import { none, type Operator } from "../operator.ts";
import { matMul } from "./mat_mul.ts";

export const eightBitOperators = {
  /** uint8 `[...]`, its scale and its zero point → float32 `[...]`. */
  DequantizeLinear: {
    shape: ({ x: { shape } }) => [{ dtype: "float32", shape }],
    macs: none,
    vjp: none,
  },
  /** x `[...]` → uint8 `[...]`, its scale `[]` and its zero point `[]`. */
  DynamicQuantizeLinear: {
    shape: ({ x: { shape } }) => [
      { dtype: "uint8", shape },
      { dtype: "float32", shape: [] },
      { dtype: "uint8", shape: [] },
    ],
    macs: none,
    vjp: none,
  },
  /** `[..., M, K]` and `[K, N]` → int32 `[..., M, N]`. */
  MatMulInteger: {
    ...matMul,
    shape: (call) =>
      matMul.shape(call).map(({ shape }) => ({ dtype: "int32", shape })),
    vjp: none,
  },
} satisfies Record<string, Operator>;
