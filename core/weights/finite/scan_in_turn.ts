/** Tensors that threads scan in turn: a free thread takes the next one. */
import { fillFrom } from "../../files/byte_range.ts";
import type { StoredTensor } from "../tensor_file.ts";
import { scanWindow, windowIsFinite } from "./exponent_scan.ts";

/** The indices of the numbers that all threads share. */
const places = { taken: 0, done: 1, finite: 2 };

/** A list of tensors to scan, as it is sent to a thread. */
export interface Scan {
  readonly tensors: readonly StoredTensor[];
  /** The number of taken tensors, the number of done ones, and for each tensor whether it is finite. */
  readonly turns: Int32Array<SharedArrayBuffer>;
}

/** A scan that has not begun. */
export const scanOf = (tensors: readonly StoredTensor[]): Scan => ({
  tensors,
  turns: new Int32Array(
    new SharedArrayBuffer(4 * (places.finite + tensors.length)),
  ),
});

/** Scans tensors until none is left. @throws {RangeError} If a file ends before a tensor, which counts as not finite. */
export function scanInTurn({ tensors, turns }: Scan): void {
  using opened = new DisposableStack();
  const files = new Map<string, Deno.FsFile>();
  for (;;) {
    const i = Atomics.add(turns, places.taken, 1);
    if (i >= tensors.length) return;
    const { path } = tensors[i];
    try {
      const file = files.getOrInsertComputed(
        path,
        () => opened.use(Deno.openSync(path)),
      );
      turns[places.finite + i] = isFinite(file, tensors[i]) ? 1 : 0;
    } finally {
      Atomics.add(turns, places.done, 1);
      Atomics.notify(turns, places.done);
    }
  }
}

/** Waits for the tensors of other threads; returns for each tensor whether it is finite. */
export function scanned({ tensors, turns }: Scan): boolean[] {
  for (;;) {
    const done = Atomics.load(turns, places.done);
    if (done === tensors.length) break;
    Atomics.wait(turns, places.done, done);
  }
  return tensors.map((_, i) => turns[places.finite + i] === 1);
}

function isFinite(
  file: Deno.FsFile,
  { path, dtype, begin, end }: StoredTensor,
): boolean {
  file.seekSync(begin, Deno.SeekMode.Start);
  for (let at = begin; at < end; at += scanWindow.length) {
    const window = scanWindow.subarray(0, end - at);
    fillFrom(file, window, { path, begin: at });
    if (!windowIsFinite(dtype, window.length)) return false;
  }
  return true;
}
