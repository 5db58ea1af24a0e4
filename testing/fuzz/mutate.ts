/** Damages files as failing disks, broken transfers and attackers do. */
import type { TorchGenerator } from "@dip-go/core/random";

type Bytes = Uint8Array<ArrayBuffer>;
type Mutation = (bytes: Bytes, pick: Pick) => Bytes;

/** Draws a whole number from 0 to n - 1. */
export type Pick = (n: number) => number;

export const pickFrom = (random: TorchGenerator): Pick => (n) =>
  Math.floor(random.uniform() * n);

const joined = (...parts: readonly Uint8Array[]): Bytes => {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** A place in a file; half of the time near one of its ends, where headers and directories are. */
function place({ length }: Bytes, pick: Pick): number {
  const near = Math.min(length, 512);
  switch (pick(4)) {
    case 0:
      return pick(near + 1);
    case 1:
      return length - pick(near + 1);
    default:
      return pick(length + 1);
  }
}

/** Unlikely sizes and offsets, written as eight little-endian bytes. */
const extremes = [
  0n,
  1n,
  0xffn,
  0xffff_ffffn,
  1n << 31n,
  1n << 53n,
  1n << 60n,
  (1n << 64n) - 1n,
];

const mutations: readonly Mutation[] = [
  function flipBits(bytes, pick) {
    const changed = bytes.slice();
    for (let i = pick(8); i >= 0; i--) {
      const at = Math.min(place(bytes, pick), bytes.length - 1);
      if (at >= 0) changed[at] ^= 1 << pick(8);
    }
    return changed;
  },
  function truncate(bytes, pick) {
    const end = Math.max(0, bytes.length - 2); // cuts more than a text's last line break
    return bytes.slice(0, Math.min(place(bytes, pick), end));
  },
  function insert(bytes, pick) {
    const at = place(bytes, pick);
    const noise = Uint8Array.from({ length: 1 + pick(16) }, () => pick(256));
    return joined(bytes.subarray(0, at), noise, bytes.subarray(at));
  },
  function remove(bytes, pick) {
    const at = place(bytes, pick);
    const end = at + 1 + pick(64);
    return joined(bytes.subarray(0, at), bytes.subarray(end));
  },
  function copy(bytes, pick) {
    const [from, to] = [place(bytes, pick), place(bytes, pick)];
    const part = bytes.subarray(from, from + 1 + pick(64));
    const after = bytes.subarray(to + part.length);
    return joined(bytes.subarray(0, to), part, after);
  },
  function extreme(bytes, pick) {
    const changed = bytes.slice();
    const at = place(bytes, pick);
    const number = new Uint8Array(8);
    const value = extremes[pick(extremes.length)];
    new DataView(number.buffer).setBigUint64(0, value, true);
    changed.set(number.subarray(0, bytes.length - at), at);
    return changed;
  },
];

/** A damaged file. */
export interface Damage {
  readonly bytes: Bytes;
  /** The kind of damage, such as "truncate". */
  readonly how: string;
}

/** Damages bytes in one of several ways. */
export function mutateBytes(bytes: Bytes, pick: Pick): Damage {
  const mutation = mutations[pick(mutations.length)];
  return { bytes: mutation(bytes, pick), how: mutation.name };
}

/** The kind of damage that removes a file's end. */
export const cutOff = "truncate";

/** The kind of damage that adds a key to JSON. */
export const unknownKey = "a key that nobody knows";

/** Values that no key of a configuration is meant to have. */
const hostileValues: readonly unknown[] = [
  null,
  true,
  "",
  "../../etc/passwd",
  "/etc/passwd",
  "\u0000",
  [],
  {},
  [[]],
  0,
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  1e30,
  1e308,
  "1000000000",
];

/** Damages a JSON file: one value at any depth is replaced, scaled, doubled or removed, or a key is added. */
export function mutateJson(bytes: Bytes, pick: Pick): Damage {
  const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const isObject = typeof json === "object" && !Array.isArray(json);
  const addsKey = isObject && json !== null && pick(8) === 0;
  const changed = addsKey
    ? { ...json, attention_window: hostileValues[pick(hostileValues.length)] }
    : changedJson(json, pick);
  return {
    bytes: new TextEncoder().encode(JSON.stringify(changed)),
    how: addsKey ? unknownKey : "another value",
  };
}

function changedJson(json: unknown, pick: Pick): unknown {
  const copy = structuredClone(json);
  const places: [Record<string, unknown>, string][] = [];
  const walk = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk(inner);
    }
  };
  walk(copy);
  if (places.length === 0 || pick(50) === 0) {
    return hostileValues[pick(hostileValues.length)];
  }
  const [holder, key] = places[pick(places.length)];
  const value = holder[key];
  if (pick(8) === 0) delete holder[key];
  else if (typeof value === "number" && pick(2) === 0) {
    holder[key] = value * 10 ** pick(8);
  } else if (Array.isArray(value) && pick(2) === 0) {
    holder[key] = [...value, ...value];
  } else holder[key] = hostileValues[pick(hostileValues.length)];
  return copy;
}
