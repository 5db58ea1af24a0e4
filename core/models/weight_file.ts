/**
 * Weights in files as a {@linkcode WeightSource}. F32 stays in its file, for
 * ONNX Runtime to map; F16, BF16 and tensors that are not row-major there are
 * brought into memory.
 */
import type { FileRange } from "../onnx/graph.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { checkFinite } from "../weights/finite.ts";
import { openTensorFile } from "../weights/open_tensor_file.ts";
import type { StoredTensor, TensorFile } from "../weights/tensor_file.ts";
import type { WeightSource } from "./block_graph/weights.ts";

/** How a file's keys differ from the model's. */
export interface WeightKeys {
  /** Keys that published files hold though the model has no weight of that name. */
  readonly ignored?: RegExp;
  /** The model's key for one of the file's, where it may bear an older name. */
  readonly renamed?: (key: string) => string;
}

/**
 * Opens weights and checks them against the model: the same keys, the same
 * shapes, float dtypes, finite values. Reads every tensor once.
 *
 * @param path A safetensors file, one by `torch.save`, or the index of several.
 * @param shapes Key and shape of every weight of the model.
 * @throws {RangeError} If a key is missing, unknown to the model, of another shape, or not finite.
 * @throws {TypeError} If a file is of no such format, or a tensor is not F32, F16 or BF16.
 */
export const openWeights = (
  path: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  keys: WeightKeys = {},
): WeightSource => weightsIn(openTensorFile(path), shapes, keys);

/** The same of tensors whose file was opened. @throws {RangeError | TypeError} As {@linkcode openWeights}. */
export function weightsIn(
  file: TensorFile,
  shapes: ReadonlyMap<string, readonly number[]>,
  keys: WeightKeys = {},
): WeightSource {
  const names = fileNames(file, keys);
  checkKeys(file, names, shapes);
  const sources = new Map([...shapes].map(([key, shape]) => {
    const name = names.get(key)!;
    checkShape(file, name, shape);
    return [key, sourceOf(file, name)];
  }));
  return (key, shape) => {
    const source = sources.get(key);
    if (!source) throw missing(file.path, key, shape);
    checkShape(file, names.get(key)!, shape);
    return source;
  };
}

/** The file's name of each of the model's keys. */
function fileNames(
  { path, tensors }: TensorFile,
  { ignored, renamed = (key) => key }: WeightKeys,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of tensors.keys()) {
    if (ignored?.test(name)) continue;
    const key = renamed(name);
    const other = names.get(key);
    if (other !== undefined) {
      throw new RangeError(
        `Cannot load ${path}: tensors "${other}" and "${name}" are the same weight "${key}", expected one of them`,
      );
    }
    names.set(key, name);
  }
  return names;
}

const missing = (path: string, key: string, shape: readonly number[]) =>
  new RangeError(
    `Cannot load ${path}: tensor "${key}" is missing, expected float32[${shape}]`,
  );

function checkKeys(
  { path, tensors }: TensorFile,
  names: ReadonlyMap<string, string>,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [key, shape] of shapes) {
    if (!names.has(key)) throw missing(path, key, shape);
  }
  const odd = [...names].find(([key]) => !shapes.has(key));
  if (!odd) return;
  const stored = tensors.get(odd[1])!;
  throw new RangeError(
    `Cannot load ${stored.path}: found tensor "${odd[1]}" ${
      describe(stored)
    }, expected none of that name in this model`,
  );
}

function checkShape(
  { tensors }: TensorFile,
  name: string,
  expected: readonly number[],
): void {
  const { path, shape } = tensors.get(name)!;
  if (sameShape(shape, expected)) return;
  throw new RangeError(
    `Cannot load ${path}: tensor "${name}" is [${shape}], expected [${expected}]`,
  );
}

function sourceOf(
  file: TensorFile,
  name: string,
): ReturnType<WeightSource> {
  const stored = file.tensors.get(name)!;
  const data = file.readFloat32(name);
  checkFinite(data, { path: stored.path, name });
  if (stored.strides) return { data };
  if (stored.dtype === "F32") return { file: rangeOf(stored) };
  return stored.dtype === "F16" ? { data, half: rangeOf(stored) } : { data };
}

const rangeOf = ({ path, begin, end }: StoredTensor): FileRange => ({
  path,
  offset: begin,
  length: end - begin,
});
