/**
 * The content of a pickle by `torch.save`: tensors as views of storages, in
 * dictionaries. Every function and class that a pickle may name is listed here.
 */
import type { ByteRange } from "../../files/byte_range.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { type Pickled, PickleGlobal, type PickleRules } from "./pickle.ts";
import {
  safetensorsBytes,
  type SafetensorsDType,
} from "../safetensors_header.ts";
import { spanOf, type StridedShape } from "./strides.ts";

const mostAxes = 16;

/** The most elements of a tensor that repeats some, as its size on paper has no limit. */
const mostRepeated = 2 ** 28;

/** A flat array of elements, whose bytes lie outside of the pickle. */
export class TorchStorage {
  /**
   * @param dtype Null for bytes whose dtype the tensors say.
   * @param key The storage's name in the file.
   * @param byteLength The bytes of all elements.
   */
  constructor(
    readonly dtype: SafetensorsDType | null,
    readonly key: string,
    readonly byteLength: number,
  ) {}

  /** The number of elements of a dtype that the storage holds. */
  lengthOf(dtype: SafetensorsDType): number {
    return Math.floor(this.byteLength / safetensorsBytes[dtype]);
  }
}

/** A view of a storage, checked to lie within it. */
export class TorchTensor {
  /**
   * @param offset The number of elements of the storage before the view's first.
   * @throws {RangeError} If the view does not fit the storage.
   */
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly view: StridedShape,
    readonly dtype: SafetensorsDType,
  ) {
    const end = offset + spanOf(view);
    const count = sizeOf(view.shape);
    const length = storage.lengthOf(dtype);
    if (end > length || count > Math.max(length, mostRepeated)) {
      throw new RangeError(
        `makes a tensor [${view.shape}] with strides [${view.strides}] at element ${offset}, expected it to fit a storage of ${length}`,
      );
    }
  }
}

/** Dtypes, PyTorch's names for them, and the classes of their storages, if there are any. */
const dtypes: readonly (readonly [SafetensorsDType, string, string?])[] = [
  ["F64", "float64", "DoubleStorage"],
  ["F32", "float32", "FloatStorage"],
  ["F16", "float16", "HalfStorage"],
  ["BF16", "bfloat16", "BFloat16Storage"],
  ["F8_E4M3", "float8_e4m3fn"],
  ["F8_E5M2", "float8_e5m2"],
  ["I64", "int64", "LongStorage"],
  ["I32", "int32", "IntStorage"],
  ["I16", "int16", "ShortStorage"],
  ["I8", "int8", "CharStorage"],
  ...(["U64", "U32", "U16"] as const)
    .map((dtype) => [dtype, dtype.replace("U", "uint")] as const),
  ["U8", "uint8", "ByteStorage"],
  ["BOOL", "bool", "BoolStorage"],
];

/** The dtypes by the names that tensors use, and by the classes of storages. */
const [namedDTypes, storageDTypes] = ([1, 2] as const).map((column) =>
  new Map(
    dtypes.filter((row) => row[column])
      .map((row) => [`torch.${row[column]}`, row[0]]),
  )
);

const untyped = "torch.storage.UntypedStorage";

/** The functions that a pickle may call: each makes a tensor, or a plain value beside the tensors. */
const functions: Readonly<
  Record<string, (args: readonly Pickled[]) => Pickled>
> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTensor,
  "torch._utils._rebuild_parameter": rebuildParameter,
  "_codecs.encode": ([text]) => text,
  "__builtin__.set": ([values]) => values,
  "builtins.set": ([values]) => values,
  "__builtin__.frozenset": ([values]) => values,
  "builtins.frozenset": ([values]) => values,
  "torch.Size": ([sizes]) => sizes,
  "torch.device": ([name]) => name,
};

const globals = new Map(
  [
    ...Object.entries(functions)
      .map(([name, call]) => new PickleGlobal(name, call)),
    ...[untyped, ...storageDTypes.keys(), ...namedDTypes.keys()]
      .map((name) => new PickleGlobal(name)),
  ].map((each) => [each.name, each]),
);

export const torchRules: PickleRules = { globals, persistent: storage };

/** Makes a storage of `("storage", class, key, device, elements)`; older files add None, or a view, which is refused. */
function storage(id: Pickled): TorchStorage {
  const [kind, type, key, _device, length, view = null] = Array.isArray(id)
    ? id
    : [];
  const name = type instanceof PickleGlobal ? type.name : "";
  const dtype = storageDTypes.get(name) ?? null;
  const isStorage = kind === "storage" && (dtype || name === untyped) &&
    typeof key === "string" && isSize(length) && view === null;
  if (isStorage) {
    const elementBytes = dtype ? safetensorsBytes[dtype] : 1;
    return new TorchStorage(dtype, key, length * elementBytes);
  }
  throw new TypeError("refers to something that is no storage");
}

/** `_rebuild_tensor_v2(storage, offset, size, strides, …)`: the rest concerns gradients; `_v3` adds a dtype. */
function rebuildTensor(args: readonly Pickled[]): TorchTensor {
  const [storage, offset, shape, strides, _gradient, _hooks, type] = args;
  const isView = storage instanceof TorchStorage && isSize(offset) &&
    isSizes(shape) && isSizes(strides) && shape.length === strides.length &&
    shape.length <= mostAxes;
  const dtype = type instanceof PickleGlobal
    ? namedDTypes.get(type.name)
    : isView
    ? storage.dtype
    : null;
  if (isView && dtype) {
    return new TorchTensor(storage, offset, { shape, strides }, dtype);
  }
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

/** A file's saved objects, and the bytes of the storages that they refer to. */
export interface Checkpoint {
  readonly saved: Pickled;
  /** Byte ranges by the storage's key. */
  readonly storages: ReadonlyMap<string, ByteRange>;
}

/** The names under which trainings save a state dict, the preferred first: averaged weights before plain ones. */
const wrappers = [
  ...["state_dict", "ema", "params_ema", "model_ema"],
  ...["model", "params", "model_state_dict", "module", "net"],
];

/**
 * The tensors of a saved object: a state dict, or a dictionary that holds one
 * by a usual name. Plain values beside the tensors are left out.
 *
 * @param path The file, for errors.
 * @throws {TypeError} If the object is neither.
 */
export function stateDict(
  saved: Pickled,
  path: string,
): Map<string, TorchTensor> {
  const found = tensorsIn(saved) ??
    wrappers.map((name) => saved instanceof Map ? saved.get(name) : null)
      .map(tensorsIn).find((tensors) => tensors !== null);
  if (found) return found;
  const keys = saved instanceof Map ? [...saved.keys()].slice(0, 5) : null;
  throw new TypeError(
    `Cannot open ${path}: it holds ${
      keys ? `${JSON.stringify(keys)} and so on` : "no dictionary"
    }, expected a state dict, that is tensors by name, or one under ${
      wrappers.join(", ")
    }`,
  );
}

/** The tensors of a dictionary by name, or null if it has none. */
function tensorsIn(value: unknown): Map<string, TorchTensor> | null {
  if (!(value instanceof Map)) return null;
  const tensors = [...value].filter((entry): entry is [string, TorchTensor] =>
    typeof entry[0] === "string" && entry[1] instanceof TorchTensor
  );
  return tensors.length > 0 ? new Map(tensors) : null;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(isSize);
