/**
 * Where the entries of a zip archive lie. Only stored ones, as PyTorch writes
 * them: their bytes can be mapped from the archive itself. Format: PKWARE's
 * APPNOTE 6.3, sections 4.3 and 4.5.3 (zip64). Nothing is ever extracted.
 */
import type { ByteRange } from "../../files/byte_range.ts";
import {
  type Archive,
  cannotOpen,
  decodeName,
  quote,
  record,
  records,
  viewOf,
  wideNumber,
} from "./zip_records.ts";

/** A comment may stand behind the end record. */
const commentLimit = 0xffff;
/** The longest directory that is read; PyTorch needs about 100 bytes a tensor. */
const directoryLimit = 100_000_000;
/** Id of the extra field with 64-bit sizes. */
const zip64Extra = 1;
/** Value of a field whose true one is in that extra field. */
const saturated = 0xffffffff;
/** Bit of an entry's flags. */
const encrypted = 1;

/**
 * The bytes of each entry of an archive, by name.
 *
 * @throws {TypeError} If an entry is compressed or encrypted, or its name leads outside the archive.
 * @throws {RangeError} If a record is missing or does not fit the file, or entries overlap or share a name.
 */
export function readZipDirectory(path: string): Map<string, ByteRange> {
  const archive = { path, size: Deno.statSync(path).size };
  const directory = findDirectory(archive);
  const entries = new Map<string, ByteRange>();
  for (const entry of directoryEntries(archive, directory)) {
    if (entries.has(entry.name)) {
      throw new RangeError(
        cannotOpen(archive, `entry ${quote(entry.name)} is there twice`),
      );
    }
    entries.set(entry.name, dataRange(archive, entry, directory));
  }
  checkApart(archive, entries);
  return entries;
}

/** Where the directory lies, and how many entries it has. */
interface Directory extends ByteRange {
  readonly entries: number;
}

function findDirectory(archive: Archive): Directory {
  const end = findEnd(archive);
  const view = record(archive, "end", end);
  const short = {
    entries: view.getUint16(10, true),
    length: view.getUint32(12, true),
    begin: view.getUint32(16, true),
  };
  const isWide = short.entries === 0xffff || short.length === saturated ||
    short.begin === saturated;
  const { entries, length, begin } = isWide ? wideEnd(archive, end) : short;
  if (begin + length > end || length > directoryLimit) {
    throw new RangeError(
      cannotOpen(
        archive,
        `its directory is ${length} bytes at ${begin}, expected it before byte ${end} and of at most ${directoryLimit}`,
      ),
    );
  }
  return { begin, end: begin + length, entries };
}

/** The last end record whose comment ends with the file. */
function findEnd(archive: Archive): number {
  const { signature, length } = records.end;
  const begin = Math.max(0, archive.size - commentLimit - length);
  const view = viewOf(archive, { begin, end: archive.size });
  for (let at = view.byteLength - length; at >= 0; at--) {
    if (view.getUint32(at, true) !== signature) continue;
    const comment = view.getUint16(at + 20, true);
    if (at + length + comment === view.byteLength) return begin + at;
  }
  throw new RangeError(
    cannotOpen(archive, "found no end of a zip directory, is it cut short?"),
  );
}

/** The numbers of the zip64 end record, which the locator before the end record points at. */
function wideEnd(archive: Archive, end: number) {
  const locator = record(archive, "locator64", end - records.locator64.length);
  const at = wideNumber(archive, locator, 8);
  const view = record(archive, "end64", at);
  return {
    entries: wideNumber(archive, view, 32),
    length: wideNumber(archive, view, 40),
    begin: wideNumber(archive, view, 48),
  };
}

/** An entry as the directory describes it. */
interface Entry {
  readonly name: string;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

function* directoryEntries(
  archive: Archive,
  { begin, end, entries }: Directory,
): Generator<Entry> {
  const view = viewOf(archive, { begin, end });
  const { signature, length } = records.entry;
  let at = 0;
  for (let i = 0; i < entries; i++) {
    const fits = at + length <= view.byteLength &&
      view.getUint32(at, true) === signature;
    const total = fits
      ? length + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) +
        view.getUint16(at + 32, true)
      : 0;
    if (!fits || at + total > view.byteLength) {
      throw new RangeError(
        cannotOpen(
          archive,
          `directory entry ${i} of ${entries} is not whole at byte ${
            begin + at
          }`,
        ),
      );
    }
    const bytes = new DataView(view.buffer, view.byteOffset + at, total);
    yield parseEntry(archive, bytes);
    at += total;
  }
}

function parseEntry(archive: Archive, view: DataView): Entry {
  const begin = records.entry.length;
  const end = begin + view.getUint16(28, true);
  const name = decodeName(view, { begin, end });
  checkName(archive, name);
  const place = placeOf(archive, view, { name, extra: end });
  const method = view.getUint16(10, true);
  const isPlain = (view.getUint16(8, true) & encrypted) === 0;
  if (!isPlain || method !== 0 || place.packed !== place.size) {
    throw new TypeError(
      cannotOpen(
        archive,
        `entry ${quote(name)} is ${
          isPlain ? `compressed (method ${method})` : "encrypted"
        }, expected it stored as PyTorch does`,
      ),
    );
  }
  return { name, size: place.size, offset: place.offset };
}

/** Sizes and offset of an entry; the saturated ones among them follow one another in the zip64 extra field. */
function placeOf(
  archive: Archive,
  view: DataView,
  { name, extra }: { readonly name: string; readonly extra: number },
) {
  const wide = wideField(view, extra);
  let next = wide.begin;
  const whole = (short: number): number => {
    if (short !== saturated) return short;
    if (next + 8 > wide.end) {
      throw new RangeError(
        cannotOpen(archive, `entry ${quote(name)} lacks its 64-bit sizes`),
      );
    }
    next += 8;
    return wideNumber(archive, view, next - 8);
  };
  const size = whole(view.getUint32(24, true));
  const packed = whole(view.getUint32(20, true));
  const offset = whole(view.getUint32(42, true));
  return { size, packed, offset };
}

/** The content of the zip64 extra field among those from `at` on; empty where there is none. */
function wideField(view: DataView, at: number): ByteRange {
  while (at + 4 <= view.byteLength) {
    const begin = at + 4;
    const end = begin + view.getUint16(at + 2, true);
    if (end > view.byteLength) break;
    if (view.getUint16(at, true) === zip64Extra) return { begin, end };
    at = end;
  }
  return { begin: 0, end: 0 };
}

/** Names are only looked up, but one that leads elsewhere says what the archive is for. */
function checkName(archive: Archive, name: string): void {
  const leadsAway = /^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)/.test(name);
  if (!leadsAway) return;
  throw new TypeError(
    cannotOpen(
      archive,
      `entry ${
        quote(name)
      } leads outside the archive, expected a name below it`,
    ),
  );
}

/** The bytes behind the local header, which repeats the name and has extra fields of its own. */
function dataRange(
  archive: Archive,
  { name, size, offset }: Entry,
  directory: Directory,
): ByteRange {
  const { length } = records.localHeader;
  const header = record(archive, "localHeader", offset);
  const nameEnd = offset + length + header.getUint16(26, true);
  const begin = nameEnd + header.getUint16(28, true);
  const end = begin + size;
  if (end > directory.begin) {
    throw new RangeError(
      cannotOpen(
        archive,
        `entry ${
          quote(name)
        } ends at byte ${end}, expected at most ${directory.begin}, where the directory begins`,
      ),
    );
  }
  const local = viewOf(archive, { begin: offset + length, end: nameEnd });
  const localName = decodeName(local, { begin: 0, end: local.byteLength });
  if (localName !== name) {
    throw new RangeError(
      cannotOpen(
        archive,
        `entry ${quote(name)} is called ${quote(localName)} at byte ${offset}`,
      ),
    );
  }
  return { begin, end };
}

function checkApart(
  archive: Archive,
  entries: ReadonlyMap<string, ByteRange>,
): void {
  const ordered = [...entries].sort(([, a], [, b]) =>
    a.begin - b.begin || a.end - b.end
  );
  let reached = 0;
  for (const [name, { begin, end }] of ordered) {
    if (begin < reached) {
      throw new RangeError(
        cannotOpen(
          archive,
          `entry ${
            quote(name)
          } begins at byte ${begin}, expected at least ${reached}, where the one before ends`,
        ),
      );
    }
    reached = end;
  }
}
