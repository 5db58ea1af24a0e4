/** For tests: writes zip archives byte by byte, sound ones and ones that no program would write. */

/** An entry of an archive: name, content and the fields of its headers. */
export interface CraftedEntry {
  readonly name: string;
  readonly content: Uint8Array;
  /** Name in the local header; the same by default. */
  readonly localName?: string;
  /** The compression method; 0, stored, by default. */
  readonly method?: number;
  readonly flags?: number;
}

/**
 * An archive of stored entries.
 *
 * @param options With `wide`, only zip64 records hold sizes and offsets, as in archives past 4 GiB.
 */
export function craftZip(
  entries: readonly CraftedEntry[],
  { wide = false, comment = "" } = {},
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  for (const entry of entries) {
    directory.push(directoryEntry(entry, { offset: lengthOf(parts), wide }));
    parts.push(localHeader(entry), entry.content);
  }
  const begin = lengthOf(parts);
  const place = {
    count: entries.length,
    length: lengthOf(directory),
    begin,
    end: begin + lengthOf(directory),
  };
  const ends = wide
    ? [wideEnd(place), locator(place), shortEnd(saturated, comment)]
    : [shortEnd(place, comment)];
  return joined([...parts, ...directory, ...ends]);
}

/** Where a directory lies, and how many entries it has. */
interface Place {
  readonly count: number;
  readonly length: number;
  readonly begin: number;
  readonly end: number;
}

const saturated: Place = {
  count: 0xffff,
  length: 0xffffffff,
  begin: 0xffffffff,
  end: 0,
};

const encode = (text: string) => new TextEncoder().encode(text);

/** Little-endian numbers, each `[bytes, value]`. */
function numbers(...fields: readonly (readonly [number, number])[]) {
  return joined(fields.map(([bytes, value]) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(value), true);
    return new Uint8Array(view.buffer, 0, bytes);
  }));
}

function localHeader(
  { name, localName = name, content, method = 0, flags = 0 }: CraftedEntry,
): Uint8Array {
  const path = encode(localName);
  return joined([
    numbers([4, 0x04034b50], [2, 20], [2, flags], [2, method], [8, 0]),
    numbers([4, content.length], [4, content.length], [2, path.length], [2, 0]),
    path,
  ]);
}

function directoryEntry(
  { name, content, method = 0, flags = 0 }: CraftedEntry,
  { offset, wide }: { readonly offset: number; readonly wide: boolean },
): Uint8Array {
  const path = encode(name);
  const place = [content.length, content.length, offset];
  const [size, packed, at] = wide ? place.map(() => 0xffffffff) : place;
  const extra = wide
    ? numbers([2, 1], [2, 24], ...place.map((n) => [8, n] as const))
    : new Uint8Array();
  return joined([
    numbers([4, 0x02014b50], [2, 20], [2, 20], [2, flags], [2, method]),
    numbers([8, 0], [4, packed], [4, size], [2, path.length]),
    numbers([2, extra.length], [8, 0], [2, 0], [4, at]),
    path,
    extra,
  ]);
}

function wideEnd({ count, length, begin }: Place): Uint8Array {
  return joined([
    numbers([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]),
    numbers([8, count], [8, count], [8, length], [8, begin]),
  ]);
}

const locator = ({ end }: Place): Uint8Array =>
  numbers([4, 0x07064b50], [4, 0], [8, end], [4, 1]);

function shortEnd({ count, length, begin }: Place, comment: string) {
  const text = encode(comment);
  return joined([
    numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count]),
    numbers([4, length], [4, begin], [2, text.length]),
    text,
  ]);
}

const lengthOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0);

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
