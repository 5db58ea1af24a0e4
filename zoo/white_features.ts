/**
 * Text features in coordinates in which they are white. In those of the text
 * tower a word's own meaning has a hundred times the variance of what the words
 * before it say, so that a network learns late which colour is whose. Matrices
 * that read features can be trained on white ones and folded back: what ships
 * reads the tower's own.
 */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { float32, type Tensor } from "../core/tensor.ts";

/** Added to every eigenvalue, so that directions of next to no variance are not blown up. */
const floor = 0.01;

/** The symmetric map to white coordinates and its inverse, `[D, D]`. */
export interface Whitening {
  readonly whiten: Matrix;
  readonly unwhiten: Matrix;
}

type Weights = Readonly<Record<string, Tensor<"float32">>>;

/** The whitening of some features `[..., D]`, by their second moments about 0: the matrices that read them have no bias. */
export function whiteningOf(features: Tensor<"float32">): Whitening {
  const rows = rowsOf(features);
  const moments = rows.transpose().mmul(rows).div(rows.rows);
  const { eigenvectorMatrix: vectors, realEigenvalues } =
    new EigenvalueDecomposition(moments, { assumeSymmetric: true });
  const powered = (power: number) =>
    vectors.clone().mulRowVector(
      realEigenvalues.map((value) => (Math.max(value, 0) + floor) ** power),
    ).mmul(vectors.transpose());
  return { whiten: powered(-0.5), unwhiten: powered(0.5) };
}

/** Features `[..., D]` times a map `[D, D]`. */
export function mapped(
  features: Tensor<"float32">,
  map: Matrix,
): Tensor<"float32"> {
  const data = rowsOf(features).mmul(map).to1DArray();
  return float32(features.shape, data);
}

/** Weights by key with those that read text features `[N, D]` times a map, the others as they are. */
export function mapReaders(weights: Weights, map: Matrix): Weights {
  const changed = Object.entries(weights).map(([key, weight]) =>
    [key, readsText.test(key) ? mapped(weight, map) : weight] as const
  );
  return Object.fromEntries(changed);
}

/** Keys and values of attention to the text, the only matrices of a UNet that read it. */
const readsText = /\.attn2\.to_[kv]\.weight$/;

function rowsOf({ shape, data }: Tensor<"float32">): Matrix {
  const width = shape[shape.length - 1];
  return Matrix.from1DArray(data.length / width, width, data);
}
