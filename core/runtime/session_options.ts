/** How a session runs: on which device, in which precision, with how much memory. */

export const devices = ["cpu", "webgpu", "cuda"] as const;

/** Where a session computes. */
export type Device = typeof devices[number];

/** Those of a network as a whole. */
export const floatPrecisions = ["float32", "float16"] as const;

/** Those that a calibration chooses weights for: `int8` multiplies in 8-bit integers, for speed on a CPU with VNNI, and `int8-weights` only stores weights in them, for small files. */
export const int8Precisions = ["int8", "int8-weights"] as const;

export const precisions = [...floatPrecisions, ...int8Precisions] as const;

/** How weights are stored and products computed; norms, softmax and timesteps are float32 always, and in int8, which is of CPUs, all but products of weights. */
export type Precision = typeof precisions[number];

export type Int8Precision = typeof int8Precisions[number];

export const isInt8 = (precision?: Precision): precision is Int8Precision =>
  int8Precisions.some((each) => each === precision);

export type Int8Passes = 1 | 2;

/** How a session runs. */
export interface SessionOptions {
  readonly device?: Device;
  /** float32 by default. */
  readonly precision?: Precision;
  /** In int8 and int8-weights: names of the weights that are in 8 bits; all by default. */
  readonly int8Weights?: readonly string[];
  /** In int8: products of 8 bits that each takes, 1 by default. With 2 runtimes agree whose sums differ in the last bit. */
  readonly int8Passes?: Int8Passes;
  /** CPU threads within an operator; all cores by default. */
  readonly threads?: number;
  /** Whether memory that a run frees on the CPU is kept for the next one: faster where runs are short. True by default. */
  readonly keepsMemory?: boolean;
  /** Whether products keep a copy of their weights in the layout that they like: faster, but where many nodes read one weight, as in branches of a loop, a copy each. True by default. */
  readonly prepacks?: boolean;
  /** When a CPU makes float32 of weights that files hold in other floats: `once` as the session opens, or at `each run`, a layer at a time, which takes the memory of the file alone and longer. Once by default, unless the copies would take more than half of the machine's memory. */
  readonly widening?: "once" | "each run";
  /** How a CPU computes large 3x3 convolutions. `winograd` by default: about twice as fast, and rounds to 1e-5 of the largest output, not 1e-6. */
  readonly convolution?: "winograd" | "direct";
  /** ONNX Runtime's graph optimisations; `all` by default. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
}

/** A session's own options, besides those that many share. */
export interface OpenOptions extends SessionOptions {
  /** Outputs that stay where they are computed: `runKeeping` returns them so. None by default. */
  readonly kept?: readonly string[];
}
