/** Tensors as NumPy's `.npy` files (NEP 1, version 1.0), which other languages read too. */
import { bytesOf, type DType, type Tensor } from "./tensor.ts";
import { writeAtomically } from "../files/write_atomically.ts";

/** NumPy's names for our dtypes. */
const descriptions: Readonly<Partial<Record<DType, string>>> = {
  float32: "<f4",
  float16: "<f2",
  int64: "<i8",
  int32: "<i4",
};

/** The data of a file begin at a multiple of this many bytes. */
const alignment = 64;

/** Writes a tensor as a `.npy` file. @throws {TypeError} If its dtype is not supported here. */
export async function writeNpy(path: string, tensor: Tensor): Promise<void> {
  const { dtype, shape, data } = tensor;
  const descr = descriptions[dtype];
  if (!descr) {
    throw new TypeError(
      `Cannot write ${path}: dtype is ${dtype}, expected one of ${
        Object.keys(descriptions).join(", ")
      }`,
    );
  }
  const tuple = `(${shape.map((size) => `${size},`).join(" ")})`;
  const head =
    `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((10 + head.length + 1) / alignment) * alignment;
  const bytes = new Uint8Array(start + data.byteLength).fill(0x20, 0, start);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(head), 10);
  bytes[start - 1] = 0x0a;
  bytes.set(bytesOf(data), start);
  await writeAtomically(path, bytes);
}
