/** Checks that weights are finite: a NaN in a file would only show as a black image, many layers later. */
import { type StoredTensor, tensorFile } from "../tensor_file.ts";
import { isFloat } from "./exponent_scan.ts";
import { type Scan, scanInTurn, scanned, scanOf } from "./scan_in_turn.ts";

/** The ranges that were found finite, by the state of their file. */
const known = new Map<string, Set<string>>();

/** The number of bytes above which a second thread saves more time than its start takes. */
const manyBytes = 2 ** 29;

/**
 * Checks that tensors hold neither NaN nor infinity, once a process: reads them
 * in the order of their files, a window at a time, many bytes by two threads.
 * Integers always pass.
 *
 * @param tensors The tensors by name, for the error.
 * @throws {RangeError} If a value is not finite; the error names file, tensor and flat index.
 */
export function checkFinite(tensors: ReadonlyMap<string, StoredTensor>): void {
  const floats = [...tensors].filter(([, { dtype }]) => isFloat(dtype));
  const files = Map.groupBy(floats, ([, { path }]) => path);
  const checked = [...files].flatMap(([path, own]) => {
    const passed = passedOf(path, Deno.statSync(path));
    return own.map(([name, stored]) => ({ name, stored, passed }))
      .filter(({ stored }) => !passed.has(rangeOf(stored)))
      .sort((a, b) => a.stored.begin - b.stored.begin);
  });
  const scan = scanOf(checked.map(({ stored }) => stored));
  const bytes = checked.reduce(
    (sum, { stored: { begin, end } }) => sum + end - begin,
    0,
  );
  {
    using _other = bytes < manyBytes ? null : secondThread(scan);
    scanInTurn(scan);
    for (const [i, isFinite] of scanned(scan).entries()) {
      const { name, stored, passed } = checked[i];
      if (isFinite) passed.add(rangeOf(stored));
      else checkElements(name, stored);
    }
  }
}

const rangeOf = ({ begin, end }: StoredTensor): string => `${begin}-${end}`;

/** The ranges of a file that passed before. */
function passedOf(
  path: string,
  { dev, ino, size, mtime, ctime }: Deno.FileInfo,
): Set<string> {
  const key = [path, dev, ino, size, Number(mtime), Number(ctime)].join(":");
  return known.getOrInsertComputed(key, () => new Set());
}

/** Starts a thread that takes turns until disposal; if it cannot start, as in a bundle, this thread takes all turns. */
function secondThread(scan: Scan): Disposable {
  const url = new URL("./scan_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  worker.addEventListener("error", (event) => event.preventDefault());
  worker.postMessage(scan);
  return { [Symbol.dispose]: () => worker.terminate() };
}

/** Checks the elements of a tensor alone: others may lie between those of a view. */
function checkElements(name: string, stored: StoredTensor): void {
  const { path, shape } = stored;
  const file = tensorFile(path, new Map([[name, stored]]));
  const index = file.readFloat32(name).data
    .findIndex((x) => !Number.isFinite(x));
  if (index === -1) return;
  throw new RangeError(
    `Cannot use ${path}: tensor "${name}" is not finite at index ${index} of [${shape}], expected no NaN or infinity`,
  );
}
