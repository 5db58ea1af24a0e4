/** Weights must be numbers: a NaN in a file would only show as a black image, many layers later. */
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Checks that a tensor holds neither NaN nor infinity. Integer tensors always pass.
 *
 * @param tensor Any dtype, any shape.
 * @param origin The file and key it was read from, for the error.
 * @throws {RangeError} If a value is not finite; names file, key and flat index.
 */
export function checkFinite(
  tensor: Tensor,
  origin: { readonly path: string; readonly name: string },
) {
  const index = firstNonFinite(tensor);
  if (index === -1) return;
  throw new RangeError(
    `Cannot use ${origin.path}: tensor "${origin.name}" is not finite at index ${index} of [${
      tensor.shape.join(",")
    }], expected no NaN or infinity`,
  );
}

function firstNonFinite({ dtype, data }: Tensor): number {
  switch (dtype) {
    case "float32":
    case "float64":
      return (data as Float32Array | Float64Array)
        .findIndex((value) => !Number.isFinite(value));
    case "float16": // all exponent bits set: infinity or NaN
      return (data as Uint16Array)
        .findIndex((bits) => (bits & 0x7c00) === 0x7c00);
    default:
      return -1;
  }
}
