/** Archives as `torch.save` writes them: a pickle, and a stored entry for each storage. */
import { type ByteRange, readRange } from "../../files/byte_range.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { readPickle } from "./pickle.ts";
import { type Checkpoint, torchRules } from "./torch_state.ts";
import { readZipDirectory } from "./zip_directory.ts";

/** "PK", then the kind of a zip's first record. */
const signature = [0x50, 0x4b, 0x03, 0x04];

export const isTorchArchive = (beginning: Uint8Array): boolean =>
  signature.every((byte, i) => beginning[i] === byte);

/**
 * Reads an archive's pickle and finds its storages.
 *
 * @throws {TypeError} If the file is no archive of PyTorch's, or big-endian, or its pickle is refused.
 * @throws {RangeError} If a record or an entry does not fit the file.
 */
export function readTorchArchive(path: string): Checkpoint {
  const entries = readZipDirectory(path);
  const pickles = [...entries.keys()].filter((name) =>
    /^[^/]+\/data\.pkl$/.test(name)
  );
  if (pickles.length !== 1) {
    throw new TypeError(
      `Cannot open ${path}: the archive has ${pickles.length} entries data.pkl, expected one, as torch.save writes it`,
    );
  }
  const folder = pickles[0].slice(0, -"data.pkl".length);
  checkByteOrder(path, entries.get(`${folder}byteorder`));
  const cursor = new ByteCursor(path, entries.get(pickles[0])!);
  const prefix = `${folder}data/`;
  const storages = [...entries].flatMap(([name, range]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), range] as const] : []
  );
  return { saved: readPickle(cursor, torchRules), storages: new Map(storages) };
}

/** Checks the byte order, which newer archives name as `little` or `big`. */
function checkByteOrder(path: string, range: ByteRange | undefined): void {
  if (!range) return;
  const { begin, end } = range;
  const length = Math.min(end - begin, 16);
  const order = readRange(path, { begin, end: begin + length });
  const text = new TextDecoder().decode(order);
  if (text === "little") return;
  throw new TypeError(
    `Cannot open ${path}: its byte order is ${
      JSON.stringify(text)
    }, expected "little"`,
  );
}
