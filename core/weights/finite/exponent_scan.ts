/**
 * Finds floats that are infinite or not a number: their exponent bits are all
 * ones, so that `(x & ~sign) + (lowest exponent bit)` carries into the sign
 * bit. Adding up the carries of all elements takes no branch, and WebAssembly
 * adds 16 bytes at a time, as fast as memory is read; a loop in JavaScript,
 * which no engine vectorises, takes several times as long.
 */
import type { SafetensorsDType } from "../safetensors_header.ts";

/** The bit at a place of every element of `bits` bits, in 8 bytes. */
const inEach = (bits: number, place: number): bigint =>
  Array.from({ length: 64 / bits }, (_, i) => 1n << BigInt(i * bits + place))
    .reduce((a, b) => a | b);

/** Masks of 8 bytes for elements of `bits` bits: the sign bits, all other bits, and the lowest exponent bits. */
const masksOf = (bits: number, fraction: number) => {
  const signs = inEach(bits, bits - 1);
  return { signs, magnitudes: ~signs, lowest: inEach(bits, fraction) };
};

/** Masks by the bits of an element and of its fraction. F8_E4M3 has no infinity, and only all ones is NaN. */
const floats: Partial<Record<SafetensorsDType, ReturnType<typeof masksOf>>> = {
  F64: masksOf(64, 52),
  F32: masksOf(32, 23),
  F16: masksOf(16, 10),
  BF16: masksOf(16, 7),
  F8_E5M2: masksOf(8, 2),
  F8_E4M3: masksOf(8, 0),
};

/** The number of bytes that are scanned together, few enough for a core's cache. */
export const windowBytes = 2 ** 18;
const pageBytes = 2 ** 16;
/** The number of bytes of one round of the loop: four vectors. */
const roundBytes = 64;

/** Instructions of WebAssembly, as its specification numbers them. */
const wasm = {
  end: 0x0b,
  loop: [0x03, 0x40],
  again: [0x0d, 0],
  get: (local: number) => [0x20, local],
  set: (local: number) => [0x21, local],
  tee: (local: number) => [0x22, local],
  roundBytes: [0x41, roundBytes | 0x80, 0],
  add: 0x6a,
  isLess: 0x49,
  or64: 0x84,
  load: (offset: number) => [0xfd, 0, 4, offset],
  splat64: [0xfd, 18],
  lane64: (lane: number) => [0xfd, 29, lane],
  and: [0xfd, 78],
  or: [0xfd, 80],
  addWords: [0xfd, 0xae, 1],
};
const types = { i32: 0x7f, i64: 0x7e, v128: 0x7b };

/** The code of `scan(end, magnitudes, lowest)`: the sums of all words from 0 to `end`, joined by or. */
function code(): number[] {
  const [end, magnitudes, lowest, place, sums, masks, steps] = [
    ...Array(7).keys(),
  ];
  const { get, set, tee, load, lane64 } = wasm;
  // The vectors of a round are joined first: rounds wait for one join only.
  const round = Array.from({ length: roundBytes / 16 }, (_, i) => [
    ...[...get(place), ...load(16 * i)],
    ...[...get(masks), ...wasm.and, ...get(steps), ...wasm.addWords],
    ...i > 0 ? wasm.or : [],
  ]).flat();
  return [
    ...[2, 1, types.i32, 3, types.v128], // place; sums, masks and steps
    ...[...get(magnitudes), ...wasm.splat64, ...set(masks)],
    ...[...get(lowest), ...wasm.splat64, ...set(steps)],
    ...wasm.loop,
    ...[...round, ...get(sums), ...wasm.or, ...set(sums)],
    ...[...get(place), ...wasm.roundBytes, wasm.add, ...tee(place)],
    ...[...get(end), wasm.isLess, ...wasm.again],
    wasm.end,
    ...[...get(sums), ...lane64(0), ...get(sums), ...lane64(1), wasm.or64],
    wasm.end,
  ];
}

/** A module that imports the memory `m.m` and exports the function `scan`. */
function module(): Uint8Array<ArrayBuffer> {
  const sized = (bytes: number[]) => {
    const { length } = bytes; // in one or two groups of seven bits
    const size = length < 128 ? [length] : [length & 127 | 128, length >> 7];
    return [...size, ...bytes];
  };
  const section = (id: number, bytes: number[]) => [id, ...sized(bytes)];
  const { i32, i64 } = types;
  const m = "m".charCodeAt(0);
  const scan = Array.from("scan", (c) => c.charCodeAt(0));
  return Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, i32, i64, i64, 1, i64]),
    ...section(2, [1, 1, m, 1, m, 2, 0, windowBytes / pageBytes]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...sized(scan), 0, 0]),
    ...section(10, [1, ...sized(code())]),
  );
}

const memory = new WebAssembly.Memory({ initial: windowBytes / pageBytes });

/** The memory that bytes are copied into to be scanned. */
export const scanWindow = new Uint8Array(memory.buffer as ArrayBuffer);

type Scan = (end: number, magnitudes: bigint, lowest: bigint) => bigint;

const { scan } = new WebAssembly.Instance(
  new WebAssembly.Module(module()),
  { m: { m: memory } },
).exports as unknown as { scan: Scan };

export const isFloat = (dtype: SafetensorsDType): boolean => dtype in floats;

/** Whether all floats in the first bytes of {@linkcode scanWindow} are finite. */
export function windowIsFinite(
  dtype: SafetensorsDType,
  bytes: number,
): boolean {
  const { signs, magnitudes, lowest } = floats[dtype]!;
  const end = Math.ceil(bytes / roundBytes) * roundBytes;
  scanWindow.fill(0, bytes, end);
  return bytes === 0 || (scan(end, magnitudes, lowest) & signs) === 0n;
}
