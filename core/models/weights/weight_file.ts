/**
 * Opens weight files as a {@linkcode WeightSource}. Floats stay in their file, for
 * ONNX Runtime to map and to widen; tensors whose elements are stored in another
 * order, or in another dtype, are read into memory.
 */
import { sameShape } from "../../tensor/tensor.ts";
import { isStoredFloat } from "../../tensor/tensor_bytes.ts";
import { checkFinite } from "../../weights/finite/check_finite.ts";
import { openTensorFile } from "../../weights/open_tensor_file.ts";
import type { TensorFile } from "../../weights/tensor_file.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** Paths of the files whose unused tensors were listed already. */
const told = new Set<string>();
/** The most unused tensors that a warning names. */
const shown = 3;

/** The differences between a file's keys and the model's. */
export interface WeightKeys {
  /** Keys of published files for which the model has no weight; all other unused keys give a warning. */
  readonly ignored?: RegExp;
  /** Returns the model's key for a key of the file, which may be an older name. */
  readonly renamed?: (key: string) => string;
}

/**
 * Opens weights and checks them against the model: every key of the model, the
 * same shapes, float dtypes, finite values. Reads every tensor of the model once;
 * unused tensors are listed on the console and left out, as in diffusers and
 * transformers.
 *
 * @param path A safetensors file, one by `torch.save`, or the index of several.
 * @param shapes Key and shape of every weight of the model.
 * @throws {RangeError} If a tensor is missing, of another shape, or not finite.
 * @throws {TypeError} If a file is of no such format, or a tensor is of no float dtype.
 */
export const openWeights = (
  path: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  keys: WeightKeys = {},
): WeightSource => weightsIn(openTensorFile(path), shapes, keys);

/** Like {@linkcode openWeights}, for a file that is open. @throws {RangeError | TypeError} For the same reasons. */
export function weightsIn(
  file: TensorFile,
  shapes: ReadonlyMap<string, readonly number[]>,
  keys: WeightKeys = {},
): WeightSource {
  const names = fileNames(file, shapes, keys);
  for (const [key, shape] of shapes) {
    if (!names.has(key)) throw missing(file, key, shape);
  }
  const used = new Set(names.values());
  tellUnused(
    file.path,
    [...file.tensors.keys()]
      .filter((name) => !used.has(name) && !keys.ignored?.test(name)),
  );
  const sources = new Map([...shapes].map(([key, shape]) => {
    const name = names.get(key)!;
    checkShape(file, name, shape);
    return [key, sourceOf(file, name, shape)];
  }));
  checkFinite(
    new Map([...used].map((name) => [name, file.tensors.get(name)!])),
  );
  return (key, shape) => {
    const source = sources.get(key);
    if (!source) throw missing(file, key, shape);
    checkShape(file, names.get(key)!, shape);
    return source;
  };
}

/**
 * Lists a file's unused tensors on the console, once for each file. A file may
 * hold more than its network (a training's averages, the other tower of a pair),
 * or the configuration may describe less than the file's network.
 */
function tellUnused(path: string, names: readonly string[]): void {
  if (names.length === 0 || told.has(path)) return;
  told.add(path);
  const some = names.slice(0, shown).map((name) => `"${name}"`).join(", ");
  const rest = names.length - shown;
  console.warn(
    `${path}: not used, as this model has no such weights: ${some}${
      rest > 0 ? ` and ${rest} more` : ""
    }`,
  );
}

/** The file's name for each of the model's keys; the model's own name counts if a file holds two. */
function fileNames(
  { path, tensors }: TensorFile,
  shapes: ReadonlyMap<string, unknown>,
  { renamed = (key) => key }: WeightKeys,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of tensors.keys()) {
    const key = renamed(name);
    if (!shapes.has(key) || (key !== name && tensors.has(key))) continue;
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

const missing = (
  { path, tensors }: TensorFile,
  key: string,
  shape: readonly number[],
) =>
  new RangeError(
    `Cannot load ${path}: tensor "${key}" is missing, expected float32[${shape}]${
      otherKind(tensors.keys())
    }`,
  );

/** The end of an error that says, by the tensors' names, what a file holds instead of a network's weights. */
function otherKind(names: Iterable<string>): string {
  const some = [...names];
  if (some.some((name) => /(^|[._])lora(_|\.|$)/.test(name))) {
    return "; the file is a LoRA, which changes a network's weights, expected the weights themselves; deno task fuse adds a LoRA to them";
  }
  if (some.some((name) => name.startsWith("model.diffusion_model."))) {
    return "; the file is a pipeline's checkpoint in the original layout, which has no such part";
  }
  return "";
}

/** Checks a tensor's shape; a linear layer's weight may be stored as a convolution of kernel 1. */
function checkShape(
  { tensors }: TensorFile,
  name: string,
  expected: readonly number[],
): void {
  const { path, shape } = tensors.get(name)!;
  const rank = expected.length;
  const fits = sameShape(shape.slice(0, rank), expected) &&
    shape.slice(rank).every((dim) => dim === 1);
  if (fits) return;
  throw new RangeError(
    `Cannot load ${path}: tensor "${name}" is [${shape}], expected [${expected}]`,
  );
}

function sourceOf(
  file: TensorFile,
  name: string,
  shape: readonly number[],
): ReturnType<WeightSource> {
  const { dtype, strides, swapsHalves, path, begin, end } = file.tensors.get(
    name,
  )!;
  const isFloat32 = dtype === "F32";
  if (strides || swapsHalves || !(isFloat32 || isStoredFloat(dtype))) {
    return { data: { ...file.readFloat32(name), shape } };
  }
  const range = { path, offset: begin, length: end - begin };
  return { file: isFloat32 ? range : { ...range, stored: dtype } };
}
