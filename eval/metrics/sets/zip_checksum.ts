/** The checksum that a zip archive's directory has of a file: unpacking alone does not see a bit that flipped. */
import { readRange } from "@dip-go/core/files";

/** The directory of a few files, the end behind it, and the longest comment. */
const longestTail = 1 << 17;

/** CRC-32 of a file in an archive; undefined where the archive's end does not tell. */
export async function zipChecksum(
  path: string,
  name: string,
): Promise<number | undefined> {
  const { size: end } = await Deno.stat(path);
  const tail = readRange(path, { begin: Math.max(0, end - longestTail), end });
  const text = new TextDecoder("latin1").decode(tail);
  const view = new DataView(tail.buffer);
  const last = text.lastIndexOf("PK\x05\x06");
  if (last === -1 || last + 22 > tail.length) return undefined;
  let at = last;
  do at = text.lastIndexOf("PK\x01\x02", at - 1); while (
    at > 0 && !text.startsWith(name, at + 46)
  );
  return at >= 0 && text.startsWith(name, at + 46)
    ? view.getUint32(at + 16, true)
    : undefined;
}
