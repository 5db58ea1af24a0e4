/**
 * The header of a safetensors file: 8 bytes of length, then JSON that maps each
 * tensor to its dtype, shape and byte range. Format:
 * https://huggingface.co/docs/safetensors. Anything that leaves room for two
 * readings (duplicate names, overlaps, gaps) is refused.
 */
import * as v from "valibot";
import type { ByteRange } from "../files/byte_range.ts";
import { isRecord } from "../files/read_json.ts";
import { conform, oneOf, record, wholeFrom } from "../files/schema.ts";
import { describe, sizeOf } from "../tensor/tensor.ts";
import { parseStrictJson } from "./strict_json.ts";

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

interface Place {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly fileSize: number;
  readonly dataBegin: number;
}

/**
 * Parses and checks a header.
 *
 * @param bytes The JSON, without the 8 bytes of length.
 * @returns Each tensor's byte range in the file, by name in the header's order, and the free strings.
 * @throws {TypeError} If the header is not JSON of the format's form.
 * @throws {RangeError} If the byte ranges do not fit the shapes or do not tile the rest of the file.
 */
export function parseSafetensorsHeader(
  bytes: Uint8Array,
  { path, fileSize }: Omit<Place, "dataBegin">,
) {
  const { __metadata__, ...entries } = parseObject(bytes, path);
  const metadata = __metadata__ ?? {}; // null is none, as in the reference implementation
  if (!isOfStrings(metadata)) {
    throw new TypeError(
      `Cannot open ${path}: __metadata__ is not an object of strings`,
    );
  }
  const place = { path, fileSize, dataBegin: 8 + bytes.length };
  const tensors = new Map(
    Object.entries(entries).map(([name, entry]) => [
      name,
      parseEntry(entry, { ...place, name }),
    ]),
  );
  checkTiling(tensors, place);
  return { tensors, metadata };
}

function parseObject(bytes: Uint8Array, path: string): Record<string, unknown> {
  const header = `Cannot open ${path}: header`;
  if (bytes[0] !== "{".charCodeAt(0)) {
    throw new TypeError(
      `${header} begins with byte ${bytes[0]}, expected "{"`,
    );
  }
  return parseStrictJson(bytes, header) as Record<string, unknown>;
}

const isOfStrings = (value: unknown): value is Record<string, string> =>
  isRecord(value) &&
  Object.values(value).every((each) => typeof each === "string");

const sizes = v.array(wholeFrom(0));
const entrySchema = record({
  dtype: oneOf(Object.keys(safetensorsBytes) as SafetensorsDType[]),
  shape: sizes,
  data_offsets: v.pipe(sizes, v.length(2, "two whole numbers")),
});

function parseEntry(
  entry: unknown,
  { path, fileSize, name, dataBegin }: Place & { readonly name: string },
) {
  const doing = `open ${path}: tensor "${name}"`;
  const found = conform(entrySchema, entry, doing);
  const { dtype, shape, data_offsets: [begin, end] } = found;
  const refuse = (expected: string) => {
    throw new RangeError(
      `Cannot ${doing}: data_offsets is [${begin},${end}], expected ${expected}`,
    );
  };
  const room = fileSize - dataBegin;
  if (begin > end || end > room) refuse(`a range within ${room} bytes`);
  const length = sizeOf(shape) * safetensorsBytes[dtype];
  if (end - begin !== length) refuse(`${length} bytes for ${describe(found)}`);
  return { path, dtype, shape, begin: dataBegin + begin, end: dataBegin + end };
}

/** Checks that the ranges touch: each begins where the one before ends, and the last ends with the file. */
function checkTiling(
  tensors: ReadonlyMap<string, ByteRange>,
  { path, fileSize, dataBegin }: Place,
) {
  const ordered = [...tensors].sort(([, a], [, b]) =>
    a.begin - b.begin || a.end - b.end
  );
  let reached = dataBegin;
  for (const [name, { begin, end }] of ordered) {
    if (begin !== reached) {
      const fault = begin < reached
        ? "overlaps the one before"
        : "leaves a gap";
      throw new RangeError(
        `Cannot open ${path}: tensor "${name}" ${fault}: it begins at byte ${begin}, expected ${reached}`,
      );
    }
    reached = end;
  }
  if (reached === fileSize) return;
  throw new RangeError(
    `Cannot open ${path}: tensors end at byte ${reached}, expected the file's ${fileSize}`,
  );
}
