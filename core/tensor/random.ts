/**
 * PyTorch's CPU generator: the same seed gives the same numbers as
 * `torch.Generator().manual_seed(seed)`, so that images made by PyTorch and here
 * start from the same noise. The engine is mt19937 (Matsumoto and Nishimura,
 * 1998); the order in which draws become normals follows PyTorch.
 */
import { float32, int64, sizeOf, type Tensor } from "./tensor.ts";

/** Words of the mt19937 state, and the distance of its recurrence. */
const N = 624;
const M = 397;

/** A seeded random generator that reproduces PyTorch's on CPU. */
export class TorchGenerator {
  #words = new Uint32Array(N);
  #index = N;
  #nextNormal: number | null = null;

  /**
   * @param seed As given to `manual_seed`; the engine uses its low 32 bits.
   * @throws {RangeError} If `seed` is not a non-negative safe integer.
   */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(
        `Cannot seed a generator: seed is ${seed}, expected a non-negative safe integer`,
      );
    }
    const words = this.#words;
    words[0] = seed % 2 ** 32;
    for (let i = 1; i < N; i++) {
      const previous = words[i - 1] ^ (words[i - 1] >>> 30);
      words[i] = Math.imul(1812433253, previous) + i;
    }
  }

  /** One number in [0, 1) with 24 random bits, as `torch.rand` draws it in float32. */
  uniform(): number {
    return (this.#draw() & 0xffffff) * 2 ** -24;
  }

  /** `torch.rand(shape)`: uniform in [0, 1). */
  rand(shape: readonly number[]): Tensor<"float32"> {
    return float32(shape, this.#uniforms(sizeOf(shape)));
  }

  /** `torch.randn(shape)`: standard normal. Fewer than 16 elements are drawn in pairs, more in blocks of 16. */
  randn(shape: readonly number[]): Tensor<"float32"> {
    const size = sizeOf(shape);
    if (size >= 16) return float32(shape, this.#normalBlocks(size));
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = this.#normal();
    return float32(shape, data);
  }

  /**
   * `torch.randint(low, high, shape)`: integers in [low, high).
   *
   * @throws {RangeError} If the range is empty, or wider than 2^28, past which PyTorch versions differ.
   */
  randint(
    low: number,
    high: number,
    shape: readonly number[],
  ): Tensor<"int64"> {
    const range = high - low;
    const integers = Number.isSafeInteger(low) && Number.isSafeInteger(high);
    if (!integers || range < 1 || range > 2 ** 28) {
      throw new RangeError(
        `Cannot draw integers in [${low}, ${high}): expected integers with 1 to 2^28 values between them`,
      );
    }
    const draw = () => low + this.#draw() % range;
    return int64(shape, Array.from({ length: sizeOf(shape) }, draw));
  }

  /** The next 32 random bits. */
  #draw(): number {
    if (this.#index === N) this.#twist();
    let y = this.#words[this.#index++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist() {
    const words = this.#words;
    for (let i = 0; i < N; i++) {
      const y = (words[i] & 0x80000000) | (words[(i + 1) % N] & 0x7fffffff);
      words[i] = words[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#index = 0;
  }

  #uniforms(size: number): Float32Array {
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = this.uniform();
    return data;
  }

  /** 53 random bits in [0, 1): PyTorch's double uniform, the high bits drawn first. */
  #uniform53(): number {
    const high = this.#draw() & 0x1fffff;
    return (high * 2 ** 32 + this.#draw()) * 2 ** -53;
  }

  /** Box-Muller in float64; the sine of each pair waits for the next call. */
  #normal(): number {
    if (this.#nextNormal !== null) {
      const normal = this.#nextNormal;
      this.#nextNormal = null;
      return normal;
    }
    const theta = 2 * Math.PI * this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
    this.#nextNormal = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }

  /** Draws all uniforms, then Box-Muller in blocks of 16; if the size is no multiple, redraws the last 16 elements. */
  #normalBlocks(size: number): Float32Array {
    const data = this.#uniforms(size);
    for (let begin = 0; begin + 16 <= size; begin += 16) {
      boxMuller16(data.subarray(begin, begin + 16));
    }
    if (size % 16 !== 0) {
      const tail = data.subarray(size - 16);
      tail.set(this.#uniforms(16));
      boxMuller16(tail);
    }
    return data;
  }
}

/** Box-Muller in place on 16 uniforms, 8 for radii, 8 for angles; rounds to float32 wherever PyTorch does. */
function boxMuller16(block: Float32Array) {
  const round = Math.fround;
  for (let j = 0; j < 8; j++) {
    const radius = round(
      Math.sqrt(round(-2 * round(Math.log(round(1 - block[j]))))),
    );
    const theta = round(round(2 * Math.PI) * block[j + 8]);
    block[j] = radius * round(Math.cos(theta));
    block[j + 8] = radius * round(Math.sin(theta));
  }
}
