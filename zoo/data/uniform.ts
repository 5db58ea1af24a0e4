/**
 * A tiny seeded source of uniform numbers for the procedural data set, whose
 * whole state is one integer, so that a training run resumes exactly.
 */

/**
 * SplitMix (Steele, Lea and Flood, OOPSLA 2014) in 32 bits: a Weyl sequence
 * through the finalizer of MurmurHash3. Period 2^32; not for cryptography.
 *
 * @example The state is enough to go on
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const run = new SplitMix32(7);
 * run.uniform();
 * const resumed = new SplitMix32(run.state);
 * assertEquals(resumed.uniform(), run.uniform());
 * ```
 */
export class SplitMix32 {
  /** Everything the next numbers depend on: an unsigned 32-bit integer. */
  state: number;

  /** @param seed Any integer, taken modulo 2^32; a saved `state` resumes its sequence. */
  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** The next number, uniform in [0, 1). Bound to its generator: pass it as a plain function. */
  uniform = (): number => {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let bits = this.state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
}
