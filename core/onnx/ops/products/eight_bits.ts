/** Products of 8-bit integers: A's elements quantised at each run, B's beforehand. */
import { none, type Operator } from "../operator.ts";
import { matMul } from "./mat_mul.ts";

/** x `[...]` → uint8 `[...]`, its scale `[]` and its zero point `[]`. */
export const dynamicQuantizeLinear: Operator = {
  shape: ({ x: { shape } }) => [
    { dtype: "uint8", shape },
    { dtype: "float32", shape: [] },
    { dtype: "uint8", shape: [] },
  ],
  macs: none,
  vjp: none,
};

/** uint8 `[...]`, its scale and its zero point → float32 `[...]`. */
export const dequantizeLinear: Operator = {
  shape: ({ x: { shape } }) => [{ dtype: "float32", shape }],
  macs: none,
  vjp: none,
};

/** `[..., M, K]` and `[K, N]` → int32 `[..., M, N]`. */
export const matMulInteger: Operator = {
  ...matMul,
  shape: (call) =>
    matMul.shape(call).map(({ shape }) => ({ dtype: "int32", shape })),
  vjp: none,
};
