/** For tests: files as `torch.save` writes them, and files with any other pickle. */
import { sizeOf, type Tensor } from "@dip-go/core/tensor";
import { craftZip } from "./craft_zip.ts";

/** The bytes of pickle opcodes, from numbers (a byte each), texts and bytes. */
export function opcodes(
  ...parts: readonly (number | string | Uint8Array)[]
): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : [...encode(part)]
    ),
  );
}

const encode = (part: string | Uint8Array): Uint8Array =>
  typeof part === "string" ? new TextEncoder().encode(part) : part;

/** An archive around a pickle and storages, `archive/data.pkl` and `archive/data/<key>`. */
export function craftArchive(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  others: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array<ArrayBuffer> {
  const data = Object.entries(storages)
    .map(([key, content]) => [`data/${key}`, content] as const);
  const entries = [["data.pkl", pickle], ...data, ...Object.entries(others)];
  return craftZip(
    (entries as [string, Uint8Array][])
      .map(([name, content]) => ({ name: `archive/${name}`, content })),
  );
}

/** A state dict of float32 tensors, as `torch.save` writes it. */
export function craftStateDict(
  tensors: ReadonlyMap<string, Tensor>,
): Uint8Array<ArrayBuffer> {
  const items = [...tensors].map(([name, { shape }], key) =>
    opcodes(text(name), tensorOf(String(key), shape))
  );
  const storages = [...tensors.values()].map(({ data }, key) =>
    [
      key,
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    ] as const
  );
  return craftArchive(
    opcodes(0x80, 2, "}(", ...items, "u."),
    Object.fromEntries(storages),
  );
}

/** BINUNICODE */
export function text(value: string): Uint8Array {
  const bytes = encode(value);
  return opcodes("X", int32(bytes.length), bytes);
}

/** BININT */
const int = (value: number): Uint8Array => opcodes("J", int32(value));

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

const tuple = (values: readonly Uint8Array[]): Uint8Array =>
  opcodes("(", ...values, "t");

/** The storage `key` of `length` float32. */
export function storageOf(key: string, length: number): Uint8Array {
  const type = opcodes("ctorch\nFloatStorage\n");
  const parts = [text("storage"), type, text(key), text("cpu"), int(length)];
  return opcodes(tuple(parts), "Q");
}

/** A tensor: row-major over a whole storage, or with strides and an offset over a storage of `length`. */
export function tensorOf(
  key: string,
  shape: readonly number[],
  view: {
    readonly strides?: readonly number[];
    readonly offset?: number;
    readonly length?: number;
  } = {},
): Uint8Array {
  const { offset = 0, length = sizeOf(shape) } = view;
  const strides = view.strides ??
    shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return opcodes(
    "ctorch._utils\n_rebuild_tensor_v2\n",
    tuple([
      storageOf(key, length),
      int(offset),
      tuple(shape.map(int)),
      tuple(strides.map(int)),
      opcodes(0x89), // requires_grad
      opcodes("ccollections\nOrderedDict\n", ")R"), // hooks
    ]),
    "R",
  );
}
