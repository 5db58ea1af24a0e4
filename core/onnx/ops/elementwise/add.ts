/** Add: a sum, or the bias of a linear layer. */
import { sizeOf } from "../../../tensor/tensor.ts";
import type { Cost, MacsCall } from "../operator.ts";
import { binary } from "./elementwise.ts";

/** (a + b)' = a' + b'. */
export const add = binary(({ dy }) => [dy, dy], { macs: bias });

/** A bias is a one-dimensional parameter beside a product with a weight. */
function bias({ inputs, isWeight, costOf }: MacsCall): Cost {
  const i = [0, 1].find((i) =>
    inputs[i]!.shape.length === 1 && isWeight(i) &&
    costOf(1 - i).linear !== undefined
  );
  return i === undefined ? {} : { affine: sizeOf(inputs[i]!.shape) };
}
