/** Weights must be numbers: a NaN in a file would only show as a black image, many layers later. */
import { fillFrom } from "../../files/byte_range.ts";
import { isFloat, scanWindow, windowIsFinite } from "./exponent_scan.ts";
import { safetensorsBytes } from "../safetensors_header.ts";
import { decodeStored, widenToFloat32 } from "../safetensors_values.ts";
import type { StoredTensor } from "../tensor_file.ts";

/** Ranges that were found finite, by the file as it was. */
const known = new Map<string, Set<string>>();

/**
 * Checks that tensors hold neither NaN nor infinity, once a process: reads
 * them in the order of their files, a window at a time. Integers always pass.
 *
 * @param tensors By name, for the error.
 * @throws {RangeError} If a value is not finite; names file, tensor and flat index.
 */
export function checkFinite(tensors: ReadonlyMap<string, StoredTensor>): void {
  const floats = [...tensors].filter(([, { dtype }]) => isFloat(dtype));
  const files = Map.groupBy(floats, ([, { path }]) => path);
  for (const [path, own] of files) {
    using file = Deno.openSync(path);
    const passed = passedOf(path, file.statSync());
    own.sort(([, a], [, b]) => a.begin - b.begin);
    for (const [name, stored] of own) {
      const range = `${stored.begin}-${stored.end}`;
      if (passed.has(range)) continue;
      checkTensor(file, name, stored);
      passed.add(range);
    }
  }
}

/** The ranges of a file that passed before. */
function passedOf(
  path: string,
  { dev, ino, size, mtime, ctime }: Deno.FileInfo,
): Set<string> {
  const key = [path, dev, ino, size, Number(mtime), Number(ctime)].join(":");
  const passed = known.get(key) ?? new Set();
  known.set(key, passed);
  return passed;
}

function checkTensor(
  file: Deno.FsFile,
  name: string,
  { path, dtype, shape, begin, end }: StoredTensor,
): void {
  file.seekSync(begin, Deno.SeekMode.Start);
  for (let at = begin; at < end; at += scanWindow.length) {
    const window = scanWindow.subarray(0, end - at);
    fillFrom(file, window, { path, begin: at });
    if (windowIsFinite(dtype, window.length)) continue;
    const bytes = window.slice();
    const own = {
      dtype,
      shape: [bytes.length / safetensorsBytes[dtype]],
      bytes,
    };
    const { data } = widenToFloat32(decodeStored(own, name), name);
    const index = (at - begin) / safetensorsBytes[dtype] +
      data.findIndex((x) => !Number.isFinite(x));
    throw new RangeError(
      `Cannot use ${path}: tensor "${name}" is not finite at index ${index} of [${shape}], expected no NaN or infinity`,
    );
  }
}
