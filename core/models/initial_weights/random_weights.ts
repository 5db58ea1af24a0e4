/** Random weights for full-size models whose speed is measured and whose pictures do not matter. */
import { float32, sizeOf } from "../../tensor/tensor.ts";
import type { WeightSource } from "../block_graph/weights.ts";

const deviation = 0.02;

/** Standard deviation of the sum of four uniform bytes. */
const byteSumDeviation = Math.sqrt(4 * (256 ** 2 - 1) / 12);

/** The number of values after which a larger weight repeats them; a prime, so that its rows differ. */
const period = 1048583;

/** The FNV-1a hash of a key and a seed: a 32-bit number, never 0. */
function hash(key: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < key.length; i++) {
    h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  }
  return h || 1;
}

/**
 * A source of weights that are about N(0, 0.02²). Each number is the sum of the
 * four bytes of a xorshift number (Marsaglia, 2003). Numbers repeat after
 * {@linkcode period}, as it is faster to copy a gigabyte than to draw it.
 * One-dimensional `<path>.weight` are the scales of norms and lie around 1. A
 * key's values depend on the seed and the key alone.
 */
export function randomWeights(seed: number): WeightSource {
  return (key, shape) => {
    const mean = shape.length === 1 && key.endsWith(".weight") ? 1 : 0;
    const data = new Float32Array(sizeOf(shape));
    const scale = deviation / byteSumDeviation;
    const drawn = Math.min(data.length, period);
    let x = hash(key, seed);
    for (let i = 0; i < drawn; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const sum = (x & 255) + (x >>> 8 & 255) + (x >>> 16 & 255) + (x >>> 24);
      data[i] = mean + scale * (sum - 510);
    }
    for (let filled = drawn; filled < data.length; filled += period) {
      data.copyWithin(filled, 0, Math.min(period, data.length - filled));
    }
    return { data: float32(shape, data) };
  };
}
