/**
 * Files as `torch.save` wrote them before PyTorch 1.6: pickles of a magic
 * number, a version, facts of the machine, the saved object, and the keys of
 * the storages; then the storages, one after another.
 */
import { type ByteRange, readRange } from "../../files/byte_range.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { type Pickled, type PickleRules, readPickle } from "./pickle.ts";
import {
  type Checkpoint,
  torchRules,
  type TorchStorage,
} from "./torch_state.ts";

/** The magic number of the first pickle, 0x1950a86a20f9469cfc6c. */
const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50];

/** Whether a file begins as a legacy one: PROTO, from protocol 4 on a FRAME of 8 bytes, then the magic number. */
export function isLegacyTorch(beginning: Uint8Array): boolean {
  const [proto, protocol, frame] = beginning;
  const at = protocol >= 4 && frame === 0x95 ? 11 : 2;
  return proto === 0x80 && protocol >= 2 && protocol <= 5 &&
    magic.every((byte, i) => beginning[at + i] === byte);
}

/**
 * Reads the pickles and finds the storages.
 *
 * @throws {TypeError} If the file is big-endian, or a pickle is refused.
 * @throws {RangeError} If a pickle or a storage does not fit the file.
 */
export function readLegacyTorch(path: string): Checkpoint {
  const { size } = Deno.statSync(path);
  const cursor = new ByteCursor(path, { begin: 0, end: size });
  readPickle(cursor, plainRules); // the magic number
  readPickle(cursor, plainRules); // the version
  const facts = readPickle(cursor, plainRules);
  if (!(facts instanceof Map && facts.get("little_endian") === true)) {
    throw new TypeError(
      `Cannot open ${path}: it does not say that it is little-endian, as expected`,
    );
  }
  const seen = new Map<string, TorchStorage>();
  const saved = readPickle(cursor, {
    ...torchRules,
    persistent(id) {
      const storage = torchRules.persistent(id) as TorchStorage;
      seen.set(storage.key, storage);
      return storage;
    },
  });
  const keys = readPickle(cursor, plainRules);
  return { saved, storages: legacyStorages(cursor, { keys, seen, size }) };
}

const plainRules: PickleRules = {
  globals: new Map(),
  persistent: torchRules.persistent,
};

/** The range of each storage, which follows the number of its elements in 8 bytes. */
function legacyStorages(
  cursor: ByteCursor,
  { keys, seen, size }: {
    readonly keys: Pickled;
    readonly seen: ReadonlyMap<string, TorchStorage>;
    readonly size: number;
  },
): Map<string, ByteRange> {
  const { path } = cursor;
  const ranges = new Map<string, ByteRange>();
  let at = cursor.position;
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = typeof key === "string" ? seen.get(key) : undefined;
    if (!storage || ranges.has(storage.key)) {
      throw new TypeError(
        `Cannot open ${path}: its list of storages does not fit its tensors`,
      );
    }
    const begin = at + 8;
    at = begin + storage.byteLength;
    if (at > size) {
      throw new RangeError(
        `Cannot open ${path}: storage "${storage.key}" ends at byte ${at}, expected at most the file's ${size}`,
      );
    }
    checkLength(path, begin, storage);
    ranges.set(storage.key, { begin, end: at });
  }
  return ranges;
}

function checkLength(path: string, begin: number, storage: TorchStorage) {
  const { key, byteLength, dtype } = storage;
  const length = dtype ? storage.lengthOf(dtype) : byteLength;
  const bytes = readRange(path, { begin: begin - 8, end: begin });
  const found = new DataView(bytes.buffer).getBigUint64(0, true);
  if (found === BigInt(length)) return;
  throw new RangeError(
    `Cannot open ${path}: storage "${key}" has ${found} elements, expected ${length}`,
  );
}
