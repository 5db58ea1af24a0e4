/** Options of sessions: the device, the precision, the use of memory. */

export const devices = ["cpu", "webgpu", "cuda"] as const;

/** The device that a session computes on. */
export type Device = typeof devices[number];

/** The precisions of a network as a whole. */
export const floatPrecisions = ["float32", "float16"] as const;

/**
 * Precisions of weights that a calibration chooses: `int8` multiplies in 8-bit integers,
 * for speed on a CPU with VNNI; `int8-weights` only stores weights in them, for small files.
 */
export const int8Precisions = ["int8", "int8-weights"] as const;

export const precisions = [...floatPrecisions, ...int8Precisions] as const;

/**
 * The precision of weights and products. Norms, softmax and timesteps are always in
 * float32; in `int8`, which needs a CPU, everything but products with weights is.
 */
export type Precision = typeof precisions[number];

export type Int8Precision = typeof int8Precisions[number];

export const isInt8 = (precision?: Precision): precision is Int8Precision =>
  int8Precisions.some((each) => each === precision);

export type Int8Passes = 1 | 2;

/** Options that many sessions share. */
export interface SessionOptions {
  readonly device?: Device;
  /** float32 by default. */
  readonly precision?: Precision;
  /** In int8 and int8-weights: the names of the weights that are in 8 bits; all by default. */
  readonly int8Weights?: readonly string[];
  /** In int8: 8-bit products for each product (default 1). With 2, runtimes agree despite sums a last bit apart. */
  readonly int8Passes?: Int8Passes;
  /** CPU threads within an operator; all cores by default. */
  readonly threads?: number;
  /** Whether memory that a run frees on the CPU is kept for the next run, faster if runs are short (default true). */
  readonly keepsMemory?: boolean;
  /**
   * Whether products copy their weights into a faster layout, one copy for each node
   * that reads a weight, as in branches of a loop. True by default.
   */
  readonly prepacks?: boolean;
  /**
   * When a CPU widens stored weights to float32: `once`, as the session opens, or at
   * `each run`, a layer at a time, which is slower but takes only the file's memory.
   * `once` by default, unless the copies would take over half of the machine's memory.
   */
  readonly widening?: "once" | "each run";
  /** Large 3x3 convolutions on a CPU: `winograd` (default), twice as fast, is exact to 1e-5, `direct` to 1e-6. */
  readonly convolution?: "winograd" | "direct";
  /** ONNX Runtime's graph optimisations; `all` by default. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
}

/** Options of one session, besides those that many share. */
export interface OpenOptions extends SessionOptions {
  /** The outputs that stay on the device, for `runKeeping`; none by default. */
  readonly kept?: readonly string[];
}
