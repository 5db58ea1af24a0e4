/**
 * The byte ranges of a zip archive's entries, which must be stored, as PyTorch
 * writes them, to be mapped from the archive itself. Format: PKWARE's APPNOTE
 * 6.3, sections 4.3 and 4.5.3 (zip64). Nothing is ever extracted.
 */
import { type ByteRange, readRange } from "../../files/byte_range.ts";

/** The first bytes and the fixed length of each record. */
const records = {
  localHeader: { signature: 0x04034b50, length: 30 },
  entry: { signature: 0x02014b50, length: 46 },
  end: { signature: 0x06054b50, length: 22 },
  end64: { signature: 0x06064b50, length: 56 },
  locator64: { signature: 0x07064b50, length: 20 },
} as const;

/** The longest comment behind the end record. */
const commentLimit = 0xffff;
/** The longest directory that is read; PyTorch needs about 100 bytes a tensor. */
const directoryLimit = 100_000_000;
/** The id of the extra field with 64-bit sizes. */
const zip64Extra = 1;
/** The value of a field whose true value is in that extra field. */
const saturated = 0xffffffff;
/** The bit of an entry's flags that marks encryption. */
const encrypted = 1;
/** Matches names that lead outside the archive: names are only looked up, but such a name is suspect. */
const leadsAway = /^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)/;

/**
 * The bytes of each entry of an archive, by name.
 *
 * @throws {TypeError} If an entry is compressed or encrypted, or its name leads outside the archive.
 * @throws {RangeError} If a record is missing or does not fit the file, or entries overlap or share a name.
 */
export function readZipDirectory(path: string): Map<string, ByteRange> {
  return new Archive(path).entries();
}

interface Directory extends ByteRange {
  readonly count: number;
}

/** An entry as the directory describes it. */
interface Entry {
  readonly name: string;
  readonly size: number;
  /** The offset of the entry's local header. */
  readonly offset: number;
}

const textIn = (view: DataView, { begin, end }: ByteRange): string =>
  new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + begin, end - begin),
  );

class Archive {
  readonly #path: string;
  readonly #size: number;

  constructor(path: string) {
    this.#path = path;
    this.#size = Deno.statSync(path).size;
  }

  entries(): Map<string, ByteRange> {
    const directory = this.#directory();
    const ranges = new Map<string, ByteRange>();
    for (const entry of this.#described(directory)) {
      if (ranges.has(entry.name)) {
        this.#refuseEntry(entry.name, "is there twice");
      }
      ranges.set(entry.name, this.#dataRange(entry, directory));
    }
    this.#checkApart(ranges);
    return ranges;
  }

  #refuse(why: string, Kind: ErrorConstructor = RangeError): never {
    throw new Kind(`Cannot open ${this.#path}: ${why}`);
  }

  #refuseEntry(name: string, why: string, Kind?: ErrorConstructor): never {
    return this.#refuse(`entry ${JSON.stringify(name)} ${why}`, Kind);
  }

  #view(range: ByteRange): DataView {
    return new DataView(readRange(this.#path, range).buffer);
  }

  /** The fixed part of the record that begins at byte `at`. */
  #record(kind: keyof typeof records, at: number): DataView {
    const { signature, length } = records[kind];
    if (at >= 0 && at + length <= this.#size) {
      const view = this.#view({ begin: at, end: at + length });
      if (view.getUint32(0, true) === signature) return view;
    }
    return this.#refuse(`found no zip record ${kind} at byte ${at}`);
  }

  /** Reads a 64-bit number, which cannot exceed the size of the file. */
  #wide(view: DataView, at: number): number {
    const value = view.getBigUint64(at, true);
    return value <= this.#size ? Number(value) : this.#refuse(
      `a zip64 record holds ${value}, expected at most the file's ${this.#size}`,
    );
  }

  /** The directory by the end record or, if its numbers are too large for that, by zip64's. */
  #directory(): Directory {
    const end = this.#end();
    const view = this.#record("end", end);
    let count = view.getUint16(10, true);
    let length = view.getUint32(12, true);
    let begin = view.getUint32(16, true);
    if (count === 0xffff || length === saturated || begin === saturated) {
      const before = end - records.locator64.length;
      const locator = this.#record("locator64", before);
      const wide = this.#record("end64", this.#wide(locator, 8));
      [count, length, begin] = [32, 40, 48].map((at) => this.#wide(wide, at));
    }
    if (begin + length > end || length > directoryLimit) {
      this.#refuse(
        `its directory is ${length} bytes at ${begin}, expected it before byte ${end} and of at most ${directoryLimit}`,
      );
    }
    return { begin, end: begin + length, count };
  }

  /** The last end record whose comment ends with the file. */
  #end(): number {
    const { signature, length } = records.end;
    const begin = Math.max(0, this.#size - commentLimit - length);
    const view = this.#view({ begin, end: this.#size });
    for (let at = view.byteLength - length; at >= 0; at--) {
      if (view.getUint32(at, true) !== signature) continue;
      const comment = view.getUint16(at + 20, true);
      if (at + length + comment === view.byteLength) return begin + at;
    }
    return this.#refuse("found no end of a zip directory, is it cut short?");
  }

  *#described({ begin, end, count }: Directory): Generator<Entry> {
    const view = this.#view({ begin, end });
    const { signature, length } = records.entry;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const fits = at + length <= view.byteLength &&
        view.getUint32(at, true) === signature;
      const variable = fits
        ? [28, 30, 32].map((field) => view.getUint16(at + field, true))
        : [];
      const total = variable.reduce((sum, part) => sum + part, length);
      if (!fits || at + total > view.byteLength) {
        const where = `at byte ${begin + at}`;
        this.#refuse(`directory entry ${i} of ${count} is not whole ${where}`);
      }
      yield this.#entry(new DataView(view.buffer, at, total));
      at += total;
    }
  }

  #entry(view: DataView): Entry {
    const begin = records.entry.length;
    const end = begin + view.getUint16(28, true);
    const name = textIn(view, { begin, end });
    if (leadsAway.test(name)) {
      const why = "leads outside the archive, expected a name below it";
      this.#refuseEntry(name, why, TypeError);
    }
    const [size, packed, offset] = this.#places(view, { name, extra: end });
    const method = view.getUint16(10, true);
    const isPlain = (view.getUint16(8, true) & encrypted) === 0;
    if (!isPlain || method !== 0 || packed !== size) {
      const is = isPlain ? `compressed (method ${method})` : "encrypted";
      const why = `is ${is}, expected it stored as PyTorch does`;
      this.#refuseEntry(name, why, TypeError);
    }
    return { name, size, offset };
  }

  /** An entry's size, packed size and offset; the saturated ones follow one another in the zip64 extra field. */
  #places(
    view: DataView,
    { name, extra }: { readonly name: string; readonly extra: number },
  ): number[] {
    let { begin: next, end } = wideField(view, extra);
    return [24, 20, 42].map((at) => {
      const short = view.getUint32(at, true);
      if (short !== saturated) return short;
      next += 8;
      return next <= end
        ? this.#wide(view, next - 8)
        : this.#refuseEntry(name, "lacks its 64-bit sizes");
    });
  }

  /** The bytes behind the local header, which repeats the name and has its own extra fields. */
  #dataRange({ name, size, offset }: Entry, directory: Directory): ByteRange {
    const { length } = records.localHeader;
    const header = this.#record("localHeader", offset);
    const nameEnd = offset + length + header.getUint16(26, true);
    const begin = nameEnd + header.getUint16(28, true);
    const end = begin + size;
    if (end > directory.begin) {
      this.#refuseEntry(
        name,
        `ends at byte ${end}, expected at most ${directory.begin}, where the directory begins`,
      );
    }
    const local = this.#view({ begin: offset + length, end: nameEnd });
    const localName = textIn(local, { begin: 0, end: local.byteLength });
    if (localName !== name) {
      const found = JSON.stringify(localName);
      this.#refuseEntry(name, `is called ${found} at byte ${offset}`);
    }
    return { begin, end };
  }

  #checkApart(entries: ReadonlyMap<string, ByteRange>): void {
    const ordered = [...entries].sort(([, a], [, b]) =>
      a.begin - b.begin || a.end - b.end
    );
    let reached = 0;
    for (const [name, { begin, end }] of ordered) {
      if (begin < reached) {
        this.#refuseEntry(
          name,
          `begins at byte ${begin}, expected at least ${reached}, where the one before ends`,
        );
      }
      reached = end;
    }
  }
}

/** The content of the zip64 extra field among the fields from `at` on; empty if there is none. */
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
