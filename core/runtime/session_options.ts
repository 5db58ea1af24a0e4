/** How a session runs: on which device, in which precision, with how much memory. */

export const devices = ["cpu", "webgpu", "cuda"] as const;

/** Where a session computes. */
export type Device = typeof devices[number];

export const precisions = ["float32", "float16", "int8"] as const;

/** Those of a network as a whole, on every device. */
export const floatPrecisions = ["float32", "float16"] as const;

/** How weights are stored and products computed; norms, softmax and timesteps are float32 always, and in int8, which is of CPUs, all but products of weights. */
export type Precision = typeof precisions[number];

export type Int8Passes = 1 | 2;

/** How a session runs. */
export interface SessionOptions {
  readonly device?: Device;
  /** float32 by default. */
  readonly precision?: Precision;
  /** In int8: names of the weights whose products are in 8 bits; all by default. */
  readonly int8Weights?: readonly string[];
  /** In int8: products of 8 bits that each takes, 1 by default. With 2 runtimes agree whose sums differ in the last bit. */
  readonly int8Passes?: Int8Passes;
  /** CPU threads within an operator; all cores by default. */
  readonly threads?: number;
  /** Whether memory that a run frees on the CPU is kept for the next one: faster where runs are short. True by default. */
  readonly keepsMemory?: boolean;
  /** Whether products keep a copy of their weights in the layout that they like: faster, but where many nodes read one weight, as in an unrolled graph, a copy each. True by default. */
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
