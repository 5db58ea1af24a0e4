/**
 * The header of a safetensors file: 8 bytes of length, then JSON that maps each
 * tensor to its dtype, shape and byte range. Format:
 * https://huggingface.co/docs/safetensors. Anything that leaves room for two
 * readings (duplicate names, overlaps, gaps) is refused.
 */
import type { ByteRange } from "../files/byte_range.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { duplicateKey } from "./duplicate_key.ts";

/** Bytes of one element of each dtype that the format knows. */
export const safetensorsBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** A dtype as the format spells it. */
export type SafetensorsDType = keyof typeof safetensorsBytes;

/** Where one tensor lies, counted from the start of the file. */
export interface SafetensorsEntry extends ByteRange {
  readonly path: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
}

/** The tensors and metadata of a header. */
export interface SafetensorsHeader {
  /** By name, in the header's order. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where the header was found, for offsets and errors. */
export interface HeaderPlace {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly fileSize: number;
}

/**
 * Parses and checks a header.
 *
 * @param bytes The JSON, without the 8 bytes of length.
 * @throws {TypeError} If it is not JSON of the format's form.
 * @throws {RangeError} If the byte ranges do not fit the shapes or do not tile the rest of the file.
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  place: HeaderPlace,
): SafetensorsHeader {
  const { __metadata__, ...entries } = parseObject(bytes, place);
  const metadata = __metadata__ ?? {}; // null is none, as in the reference implementation
  if (!isRecord(metadata) || !Object.values(metadata).every(isString)) {
    throw new TypeError(
      cannotOpen(place, "__metadata__ is not an object of strings"),
    );
  }
  const dataBegin = 8 + bytes.length;
  const tensors = new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      parseEntry(entry, { ...place, name, dataBegin }),
    ]),
  );
  checkTiling(tensors, { ...place, dataBegin });
  return { tensors, metadata: metadata as Record<string, string> };
}

function parseObject(
  bytes: Uint8Array,
  place: HeaderPlace,
): Record<string, unknown> {
  if (bytes[0] !== 0x7b) {
    throw new TypeError(
      cannotOpen(place, `header begins with byte ${bytes[0]}, expected "{"`),
    );
  }
  let text: string;
  let json: Record<string, unknown>;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    const why = cannotOpen(place, "header is not JSON in UTF-8");
    throw new TypeError(why, { cause });
  }
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) {
    throw new TypeError(
      cannotOpen(place, `header has "${duplicate}" twice, expected once`),
    );
  }
  return json;
}

interface EntryPlace extends HeaderPlace {
  readonly name: string;
  readonly dataBegin: number;
}

function parseEntry(entry: unknown, place: EntryPlace): SafetensorsEntry {
  const refuse = (
    what: string,
    found: unknown,
    expected: string,
    Kind: ErrorConstructor = TypeError,
  ): never => {
    const has = `tensor "${place.name}" has ${what} ${JSON.stringify(found)}`;
    throw new Kind(cannotOpen(place, `${has}, expected ${expected}`));
  };
  if (!isRecord(entry)) return refuse("entry", entry, "an object");
  const { dtype, shape, data_offsets: offsets, ...others } = entry;
  const [odd] = Object.keys(others);
  if (odd !== undefined) {
    return refuse("key", odd, "dtype, shape and data_offsets only");
  }
  if (!isDType(dtype)) {
    return refuse("dtype", dtype, `one of ${Object.keys(safetensorsBytes)}`);
  }
  if (!isSizes(shape)) return refuse("shape", shape, "non-negative integers");
  const key = "data_offsets";
  if (!isSizes(offsets) || offsets.length !== 2) {
    return refuse(key, offsets, "two non-negative integers");
  }
  const { path, fileSize, dataBegin } = place;
  const [begin, end] = offsets;
  if (begin > end || end > fileSize - dataBegin) {
    const expected = `a range within ${fileSize - dataBegin} bytes`;
    return refuse(key, offsets, expected, RangeError);
  }
  const length = sizeOf(shape) * safetensorsBytes[dtype];
  if (end - begin !== length) {
    const expected = `${length} bytes for ${dtype}[${shape}]`;
    return refuse(key, offsets, expected, RangeError);
  }
  return { path, dtype, shape, begin: dataBegin + begin, end: dataBegin + end };
}

/** The ranges, in order, must touch: each begins where the one before ends, the last ends with the file. */
function checkTiling(
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  place: HeaderPlace & { readonly dataBegin: number },
) {
  const ordered = [...tensors].sort(([, a], [, b]) =>
    a.begin - b.begin || a.end - b.end
  );
  let reached = place.dataBegin;
  for (const [name, { begin, end }] of ordered) {
    if (begin !== reached) {
      const fault = begin < reached
        ? "overlaps the one before"
        : "leaves a gap";
      throw new RangeError(
        cannotOpen(
          place,
          `tensor "${name}" ${fault}: it begins at byte ${begin}, expected ${reached}`,
        ),
      );
    }
    reached = end;
  }
  if (reached !== place.fileSize) {
    throw new RangeError(
      cannotOpen(
        place,
        `tensors end at byte ${reached}, expected the file's ${place.fileSize}`,
      ),
    );
  }
}

function cannotOpen({ path }: HeaderPlace, why: string): string {
  return `Cannot open ${path}: ${why}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isString = (value: unknown): value is string => typeof value === "string";

const isDType = (value: unknown): value is SafetensorsDType =>
  isString(value) && Object.hasOwn(safetensorsBytes, value);

/** Whether a value is a list of non-negative integers. */
export const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.every((size) => Number.isSafeInteger(size) && size >= 0);
