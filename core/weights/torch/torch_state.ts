/**
 * The content of a pickle by `torch.save`: tensors as views of storages, in
 * dictionaries. Every function and class that it may name is listed here.
 */
import type { ByteRange } from "../../files/byte_range.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { type Pickled, PickleGlobal, type PickleRules } from "./pickle.ts";
import {
  isSizes,
  safetensorsBytes,
  type SafetensorsDType,
} from "../safetensors_header.ts";
import { spanOf, type StridedShape } from "./strides.ts";

/** The most axes of a tensor. */
const mostAxes = 16;

/** A flat array of elements, whose bytes lie outside of the pickle. */
export class TorchStorage {
  /**
   * @param key Its name in the file.
   * @param length Elements.
   */
  constructor(
    readonly dtype: SafetensorsDType,
    readonly key: string,
    readonly length: number,
  ) {}

  /** Bytes of all elements. */
  get byteLength(): number {
    return this.length * safetensorsBytes[this.dtype];
  }
}

/** A view of a storage, checked to lie within it. */
export class TorchTensor {
  /**
   * @param offset Elements of the storage before the first.
   * @throws {RangeError} If the view does not fit the storage.
   */
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly view: StridedShape,
  ) {
    const end = offset + spanOf(view);
    const count = sizeOf(view.shape);
    // A view that repeats elements can have any size on paper.
    if (end > storage.length || count > storage.length) {
      throw new RangeError(
        `makes a tensor [${view.shape}] with strides [${view.strides}] at element ${offset}, expected it to fit a storage of ${storage.length} without repetition`,
      );
    }
  }
}

/** The dtype that each class of storages stands for. */
const storageDTypes: ReadonlyMap<string, SafetensorsDType> = new Map([
  ["torch.DoubleStorage", "F64"],
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ShortStorage", "I16"],
  ["torch.CharStorage", "I8"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
]);

const globals = new Map(
  [
    new PickleGlobal("collections.OrderedDict", orderedDict),
    new PickleGlobal("torch._utils._rebuild_tensor_v2", rebuildTensor),
    new PickleGlobal("torch._utils._rebuild_parameter", rebuildParameter),
    ...[...storageDTypes.keys()].map((name) => new PickleGlobal(name)),
  ].map((each) => [each.name, each]),
);

/** Rules for a pickle by `torch.save`. */
export const torchRules: PickleRules = { globals, persistent: storage };

/** `("storage", class, key, device, elements)`; older files add a view of another storage, or None. */
function storage(id: Pickled): TorchStorage {
  const [kind, type, key, _device, length, view = null] = Array.isArray(id)
    ? id
    : [];
  const dtype = type instanceof PickleGlobal
    ? storageDTypes.get(type.name)
    : undefined;
  const isStorage = kind === "storage" && dtype && typeof key === "string" &&
    isSize(length) && view === null;
  if (isStorage) return new TorchStorage(dtype, key, length);
  throw new TypeError("refers to something that is no storage");
}

/** `_rebuild_tensor_v2(storage, offset, size, strides, …)`. What follows concerns gradients. */
function rebuildTensor(args: readonly Pickled[]): TorchTensor {
  const [storage, offset, shape, strides] = args;
  const isView = storage instanceof TorchStorage && isSize(offset) &&
    isSizes(shape) && isSizes(strides) && shape.length === strides.length &&
    shape.length <= mostAxes;
  if (isView) return new TorchTensor(storage, offset, { shape, strides });
  throw new TypeError(
    "makes a tensor from something else than a storage, an offset, a shape and its strides",
  );
}

/** `_rebuild_parameter(data, requires_grad, hooks)`: a parameter is its data. */
function rebuildParameter([data]: readonly Pickled[]): TorchTensor {
  if (data instanceof TorchTensor) return data;
  throw new TypeError("makes a parameter from something that is no tensor");
}

/** `OrderedDict()`; Python 2 gives its keys and values as a list of pairs. */
function orderedDict([pairs = []]: readonly Pickled[]): Map<Pickled, Pickled> {
  if (Array.isArray(pairs) && pairs.every(isPair)) return new Map(pairs);
  throw new TypeError("makes an OrderedDict of something else than pairs");
}

const isPair = (value: unknown): value is [Pickled, Pickled] =>
  Array.isArray(value) && value.length === 2;

/** A file's objects, and the bytes of the storages that they refer to. */
export interface Checkpoint {
  readonly saved: Pickled;
  /** By key. */
  readonly storages: ReadonlyMap<string, ByteRange>;
}

/**
 * The tensors of what was saved: a state dict, or a dictionary that holds one as `state_dict`.
 *
 * @param path The file, for errors.
 * @throws {TypeError} If it is neither, or holds something else than tensors.
 */
export function stateDict(
  saved: Pickled,
  path: string,
): Map<string, TorchTensor> {
  const root = saved instanceof Map ? saved.get("state_dict") ?? saved : saved;
  if (!(root instanceof Map)) {
    throw new TypeError(
      `Cannot open ${path}: it holds no dictionary, expected a state dict`,
    );
  }
  return new Map(
    [...root].map(([key, value]) => {
      if (typeof key === "string" && value instanceof TorchTensor) {
        return [key, value];
      }
      const name = typeof key === "string" ? JSON.stringify(key) : "a key";
      throw new TypeError(
        `Cannot open ${path}: ${name} of its state dict is no tensor with a name`,
      );
    }),
  );
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
