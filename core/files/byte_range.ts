/** Reads byte ranges of files. */

/** The bytes `begin` to `end` of a file, `end` not included. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** Reads a range into a buffer of its own. @throws {RangeError} If the file ends before the range does. */
export function readRange(
  path: string,
  { begin, end }: ByteRange,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(end - begin);
  using file = Deno.openSync(path);
  file.seekSync(begin, Deno.SeekMode.Start);
  fillFrom(file, bytes, { path, begin });
  return bytes;
}

/**
 * Fills `bytes` from the current position of an open file.
 *
 * @param place The file's path and that position, for the error.
 * @throws {RangeError} If the file ends before `bytes` are full.
 */
export function fillFrom(
  file: Deno.FsFile,
  bytes: Uint8Array<ArrayBuffer>,
  { path, begin }: { path: string; begin: number },
): void {
  const end = begin + bytes.length;
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) {
      throw new RangeError(
        `Cannot read ${path}: it ends at byte ${
          begin + filled
        }, expected ${end}`,
      );
    }
    filled += count;
  }
}
