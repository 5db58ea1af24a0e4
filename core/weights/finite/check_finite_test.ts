import { assertEquals, assertThrows } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { sizeOf } from "../../tensor/tensor.ts";
import {
  safetensorsBytes,
  type SafetensorsDType,
} from "../safetensors_header.ts";
import type { StoredTensor } from "../tensor_file.ts";
import { checkFinite } from "./check_finite.ts";
import { windowBytes } from "./exponent_scan.ts";

/** Writes a file of one tensor, which begins at byte 5. */
function written(
  path: string,
  { dtype, shape, last }: {
    dtype: SafetensorsDType;
    shape: readonly number[];
    /** The tensor's last bytes; all other bytes are 1. */
    last: readonly number[];
  },
): Map<string, StoredTensor> {
  const begin = 5;
  const end = begin + sizeOf(shape) * safetensorsBytes[dtype];
  const bytes = new Uint8Array(end).fill(1);
  bytes.set(last, end - last.length);
  Deno.writeFileSync(path, bytes);
  return new Map([["w", { path, dtype, shape, begin, end }]]);
}

/** The largest finite number of each dtype, then numbers that are not finite, little-endian. */
const ends: [SafetensorsDType, number[], ...number[][]][] = [
  [
    "F64",
    [255, 255, 255, 255, 255, 255, 0xef, 0x47],
    [0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
    [1, 0, 0, 0, 0, 0, 0xf0, 0xff],
  ],
  ["F32", [255, 255, 0x7f, 0xff], [0, 0, 0x80, 0x7f], [0, 0, 0xc0, 0xff]],
  ["F16", [255, 0x7b], [0, 0x7c], [0, 0xfe]],
  ["BF16", [0x7f, 0xff], [0x80, 0x7f], [0xc0, 0xff]],
  ["F8_E5M2", [0xfb], [0x7c], [0xff]],
  ["F8_E4M3", [0x7e], [0x7f], [0xff]],
];

Deno.test("checkFinite() finds numbers that are not finite in every dtype, at any place of its windows", () =>
  inTemporaryFolder((folder) => {
    for (const [dtype, finite, ...others] of ends) {
      const count = windowBytes / safetensorsBytes[dtype];
      for (const size of [1, 3, count, count + 1]) {
        const path = (i: number) => `${folder}/${dtype}-${size}-${i}`;
        const shape = [1, size];
        checkFinite(written(path(0), { dtype, shape, last: finite }));
        others.forEach((last, i) =>
          assertThrows(
            () => checkFinite(written(path(i + 1), { dtype, shape, last })),
            RangeError,
            `Cannot use ${path(i + 1)}: tensor "w" is not finite at index ${
              size - 1
            } of [1,${size}], expected no NaN or infinity`,
          )
        );
      }
    }
    return Promise.resolve();
  }));

Deno.test("checkFinite() passes integers, and reads a tensor that passed only once", () =>
  inTemporaryFolder((folder) => {
    const path = `${folder}/w`;
    const shape = [2];
    const last = [0, 0, 0x80, 0x7f];
    checkFinite(written(path, { dtype: "I32", shape, last }));
    const tensors = written(path, { dtype: "F32", shape, last: [] });
    checkFinite(tensors);
    const open = Deno.openSync;
    let read = 0;
    Deno.openSync = (path) => {
      const file = open(path);
      const { readSync } = file;
      file.readSync = (bytes) => (read++, readSync.call(file, bytes));
      return file;
    };
    try {
      checkFinite(tensors);
      assertEquals(read, 0);
    } finally {
      Deno.openSync = open;
    }
    return Promise.resolve();
  }));

Deno.test("checkFinite() passes a view between whose elements lie others that are not finite", () =>
  inTemporaryFolder((folder) => {
    const path = `${folder}/w`;
    const storage = Float32Array.of(1, NaN, 2, NaN, 3);
    Deno.writeFileSync(path, new Uint8Array(storage.buffer));
    const every = (distance: number) =>
      checkFinite(
        new Map([["w", {
          path,
          dtype: "F32" as const,
          shape: [1 + 4 / distance],
          begin: 0,
          end: 20,
          strides: [distance],
        }]]),
      );
    every(2);
    assertThrows(() => every(1), RangeError, "not finite at index 1 of [5]");
    return Promise.resolve();
  }));

Deno.test("checkFinite() looks at many bytes on two threads, and names the tensor that is not finite", () =>
  inTemporaryFolder((folder) => {
    const path = `${folder}/w`;
    const [count, length] = [9, 2 ** 26];
    using file = Deno.openSync(path, { write: true, createNew: true });
    file.truncateSync(count * length); // zeros that take no disk
    const tensors = new Map(Array.from({ length: count }, (_, i) => [`w${i}`, {
      path,
      dtype: "F32" as const,
      shape: [length / 4],
      begin: i * length,
      end: (i + 1) * length,
    }]));
    checkFinite(tensors);
    file.seekSync(-4, Deno.SeekMode.End);
    file.writeSync(Uint8Array.of(0, 0, 0xc0, 0xff));
    assertThrows(
      () => checkFinite(tensors),
      RangeError,
      `tensor "w8" is not finite at index ${length / 4 - 1} of [${length / 4}]`,
    );
    return Promise.resolve();
  }));
