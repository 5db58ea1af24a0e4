/** The records of a zip archive, as PKWARE's APPNOTE 6.3 lists them in section 4.3. */
import { type ByteRange, readRangeSync } from "../../files/byte_range.ts";

/** First bytes and fixed length of each record. */
export const records = {
  localHeader: { signature: 0x04034b50, length: 30 },
  entry: { signature: 0x02014b50, length: 46 },
  end: { signature: 0x06054b50, length: 22 },
  end64: { signature: 0x06064b50, length: 56 },
  locator64: { signature: 0x07064b50, length: 20 },
} as const;

/** An archive while it is read. */
export interface Archive {
  readonly path: string;
  readonly size: number;
}

/** The fixed part of a record. @throws {RangeError} If none of this kind begins at byte `at`. */
export function record(
  archive: Archive,
  kind: keyof typeof records,
  at: number,
): DataView {
  const { signature, length } = records[kind];
  if (at >= 0 && at + length <= archive.size) {
    const view = viewOf(archive, { begin: at, end: at + length });
    if (view.getUint32(0, true) === signature) return view;
  }
  throw new RangeError(
    cannotOpen(archive, `found no zip record ${kind} at byte ${at}`),
  );
}

/** A 64-bit number, none of which can pass the size of the file. */
export function wideNumber(
  archive: Archive,
  view: DataView,
  at: number,
): number {
  const value = view.getBigUint64(at, true);
  if (value <= archive.size) return Number(value);
  throw new RangeError(
    cannotOpen(
      archive,
      `a zip64 record holds ${value}, expected at most the file's ${archive.size}`,
    ),
  );
}

/** Bytes of the archive. @throws {RangeError} If it ends before. */
export const viewOf = ({ path }: Archive, range: ByteRange): DataView =>
  new DataView(readRangeSync(path, range).buffer);

/** A name within a record. */
export const decodeName = (view: DataView, { begin, end }: ByteRange): string =>
  new TextDecoder().decode(
    new Uint8Array(view.buffer, view.byteOffset + begin, end - begin),
  );

/** A name from the archive, for errors. */
export const quote = (name: string): string => JSON.stringify(name);

/** An error message. */
export const cannotOpen = ({ path }: Archive, why: string): string =>
  `Cannot open ${path}: ${why}`;
