/**
 * One typed method for each operator, named as in the ONNX specification (opset 20),
 * attributes with the specification's defaults.
 */
import { type DType, int64, type Tensor, tensor } from "../tensor/tensor.ts";
import { dataTypes } from "./data_types.ts";
import type { Attributes, Initializer, Value } from "./graph.ts";
import { normalizeAxis } from "./ops/axes.ts";

type Unary = (x: Value) => Value;
type Binary = (a: Value, b: Value) => Value;
type Bit = 0 | 1;

/** A product's scale, and whether its operands are transposed. */
interface Product {
  readonly alpha?: number;
  readonly transA?: Bit;
  readonly transB?: Bit;
}

/** Sliding window attributes of Conv, ConvTranspose and pools; 2-D defaults. */
export interface Window {
  readonly strides?: readonly number[];
  /** `[top, left, bottom, right]`. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
}

const windowAttributes = (
  { strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] }: Window,
): Attributes => ({ strides, pads, dilations });

/** x ≈ scale · (quantised − zeroPoint). */
export interface Quantized {
  readonly quantized: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

/** The axes of a reduction, all by default; they stay with size 1 unless `keepDims` is false. */
interface Reduction {
  readonly axes?: readonly number[];
  readonly keepDims?: boolean;
}

/** The inputs, without a last one that is null. */
const given = (...inputs: readonly (Value | null)[]): (Value | null)[] =>
  inputs.at(-1) ? [...inputs] : inputs.slice(0, -1);

/** The operators on values of a graph. */
export abstract class Operations {
  /** Adds a node, by default of the operator's usual domain. @throws {RangeError} If operator or inputs are wrong. */
  abstract node(
    op: string,
    inputs: readonly (Value | null)[],
    options?: { attributes?: Attributes; domain?: string; outputs?: number },
  ): Value[];

  /** A constant tensor. */
  abstract constant(data: Tensor): Value;

  /** The initializer called `name`, if it is one. */
  abstract initializer(name: string): Initializer | undefined;

  /**
   * Makes the nodes that read `from` read `to` instead; the nodes that compute `to`
   * move before the first of them.
   *
   * @throws {RangeError} If `to` is computed from `from`.
   */
  abstract substitute(from: Value, to: Value): void;

  /** A scalar, float32 or of the dtype of `like`. */
  scalar(value: number, like?: Value): Value {
    const scalar = this.constant(tensor("float32", [], Float32Array.of(value)));
    return !like || like.dtype === "float32"
      ? scalar
      : this.cast(scalar, like.dtype);
  }

  /** A one-dimensional int64 constant. */
  ints(values: readonly number[]): Value {
    return this.constant(int64([values.length], values));
  }

  #one(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
  ): Value {
    return this.node(op, inputs, { attributes })[0];
  }

  #unary(op: string): Unary {
    return (x) => this.#one(op, [x]);
  }

  #binary(op: string): Binary {
    return (a, b) => this.#one(op, [a, b]);
  }

  // Elementwise.
  readonly abs = this.#unary("Abs");
  readonly cos = this.#unary("Cos");
  readonly erf = this.#unary("Erf");
  readonly exp = this.#unary("Exp");
  readonly floor = this.#unary("Floor");
  readonly identity = this.#unary("Identity");
  readonly log = this.#unary("Log");
  readonly neg = this.#unary("Neg");
  readonly reciprocal = this.#unary("Reciprocal");
  readonly relu = this.#unary("Relu");
  readonly sigmoid = this.#unary("Sigmoid");
  readonly sign = this.#unary("Sign");
  readonly sin = this.#unary("Sin");
  readonly sqrt = this.#unary("Sqrt");
  readonly tanh = this.#unary("Tanh");
  readonly add = this.#binary("Add");
  readonly sub = this.#binary("Sub");
  readonly mul = this.#binary("Mul");
  readonly div = this.#binary("Div");
  readonly pow = this.#binary("Pow");
  readonly max = this.#binary("Max");
  readonly min = this.#binary("Min");
  readonly equal = this.#binary("Equal");
  readonly greater = this.#binary("Greater");
  readonly less = this.#binary("Less");

  gelu(
    x: Value,
    { approximate = "none" }: { approximate?: "none" | "tanh" } = {},
  ): Value {
    return this.#one("Gelu", [x], { approximate });
  }
  /** x · sigmoid(αx), ONNX Runtime's fused form; α = 1 is SiLU. */
  quickGelu(x: Value, { alpha = 1.702 }: { alpha?: number } = {}): Value {
    return this.#one("QuickGelu", [x], { alpha });
  }
  silu(x: Value): Value {
    return this.quickGelu(x, { alpha: 1 });
  }
  where(condition: Value, a: Value, b: Value): Value {
    return this.#one("Where", [condition, a, b]);
  }
  cast(x: Value, to: DType): Value {
    return this.#one("Cast", [x], { to: dataTypes[to] });
  }

  // Products.
  readonly matMul = this.#binary("MatMul");
  /**
   * alpha · op(A) op(B) on the last two axes, transposes fused (com.microsoft).
   * With `transBatchA`, A's first axis stands last but one: `[M, ..., K]` is
   * read as `[..., M, K]`.
   */
  fusedMatMul(
    a: Value,
    b: Value,
    { alpha = 1, transA = 0, transB = 0, transBatchA = 0 }:
      & Product
      & { transBatchA?: Bit } = {},
  ): Value {
    return this.#one("FusedMatMul", [a, b], {
      ...{ alpha, transA, transB },
      ...transBatchA ? { transBatchA: 1 } : {},
    });
  }
  gemm(
    a: Value,
    b: Value,
    c: Value | null = null,
    { alpha = 1, beta = 1, transA = 0, transB = 0 }:
      & Product
      & { beta?: number } = {},
  ): Value {
    return this.#one("Gemm", given(a, b, c), { alpha, beta, transA, transB });
  }
  /** x in uint8, with the scale and zero point of its range. */
  dynamicQuantizeLinear(x: Value): Quantized {
    const [quantized, scale, zeroPoint] = this.node(
      "DynamicQuantizeLinear",
      [x],
      { outputs: 3 },
    );
    return { quantized, scale, zeroPoint };
  }
  /** scale · (quantised − zeroPoint). */
  dequantizeLinear({ quantized, scale, zeroPoint }: Quantized): Value {
    return this.#one("DequantizeLinear", [quantized, scale, zeroPoint]);
  }
  /** (A − zero point) B, summed in int32. */
  matMulInteger(a: Value, b: Value, zeroPoint: Value): Value {
    return this.#one("MatMulInteger", [a, b, zeroPoint]);
  }
  conv(
    x: Value,
    w: Value,
    b: Value | null = null,
    { group = 1, ...window }: Window & { group?: number } = {},
  ): Value {
    return this.#one("Conv", given(x, w, b), {
      ...windowAttributes(window),
      group,
      kernel_shape: w.shape.slice(2),
    });
  }
  convTranspose(
    x: Value,
    w: Value,
    b: Value | null = null,
    { group = 1, outputPadding = [0, 0], ...window }: Window & {
      group?: number;
      outputPadding?: readonly number[];
    } = {},
  ): Value {
    return this.#one("ConvTranspose", given(x, w, b), {
      ...windowAttributes(window),
      group,
      kernel_shape: w.shape.slice(2),
      output_padding: outputPadding,
    });
  }
  #pool(op: string, more: Attributes = {}) {
    return (
      x: Value,
      { kernel, ...window }: Window & { kernel: readonly number[] },
    ): Value =>
      this.#one(op, [x], {
        ...windowAttributes(window),
        kernel_shape: kernel,
        ...more,
      });
  }
  /** Averages include the padding. */
  readonly averagePool = this.#pool("AveragePool", {
    count_include_pad: 1,
  });
  readonly maxPool = this.#pool("MaxPool");
  /**
   * Fused attention on packed heads: query `[B, L, D]`, key and value `[B, S, D]`
   * → `[B, L, D]`. Scores are multiplied by `scale`, by default 1/√(D/heads);
   * then `bias` `[B or 1, heads or 1, L, S]` is added to them.
   */
  multiHeadAttention(
    query: Value,
    key: Value,
    value: Value,
    { heads, bias = null, scale }: {
      heads: number;
      bias?: Value | null;
      scale?: number;
    },
  ): Value {
    const operands = [query, key, value];
    const inputs = bias ? [...operands, null, null, bias] : operands;
    return this.#one("MultiHeadAttention", inputs, {
      num_heads: heads,
      ...scale === undefined ? {} : { scale },
    });
  }

  // Normalisation and reduction.
  softmax(x: Value, { axis = -1 }: { axis?: number } = {}): Value {
    return this.#one("Softmax", [x], { axis });
  }
  layerNormalization(
    x: Value,
    scale: Value,
    bias: Value | null = null,
    { axis = -1, epsilon = 1e-5 }: { axis?: number; epsilon?: number } = {},
  ): Value {
    const inputs = given(x, scale, bias);
    return this.#one("LayerNormalization", inputs, { axis, epsilon });
  }
  /** LayerNormalization without bias, and its statistic 1/√(σ² + ε) with the normalised axes kept as 1. */
  layerNormalizationStatistics(
    x: Value,
    scale: Value,
    { axis = -1, epsilon = 1e-5 }: { axis?: number; epsilon?: number } = {},
  ): { normalized: Value; inverseDeviation: Value } {
    const [normalized, , inverseDeviation] = this.node(
      "LayerNormalization",
      [x, scale],
      { attributes: { axis, epsilon }, outputs: 3 },
    );
    return { normalized, inverseDeviation };
  }
  instanceNormalization(
    x: Value,
    scale: Value,
    bias: Value,
    { epsilon = 1e-5 }: { epsilon?: number } = {},
  ): Value {
    return this.#one("InstanceNormalization", [x, scale, bias], { epsilon });
  }
  #reduction(op: string): (x: Value, options?: Reduction) => Value {
    return (x, { axes, keepDims = true } = {}) =>
      this.#one(op, axes ? [x, this.ints(axes)] : [x], {
        keepdims: keepDims ? 1 : 0,
      });
  }
  readonly reduceMean = this.#reduction("ReduceMean");
  readonly reduceSum = this.#reduction("ReduceSum");
  readonly reduceMax = this.#reduction("ReduceMax");

  // Movement.
  reshape(x: Value, shape: readonly number[]): Value {
    return this.#one("Reshape", [x, this.ints(shape)]);
  }
  transpose(x: Value, perm: readonly number[]): Value {
    return this.#one("Transpose", [x], { perm });
  }
  concat(values: readonly Value[], { axis }: { axis: number }): Value {
    return this.#one("Concat", values, { axis });
  }
  slice(
    x: Value,
    { axes, starts, ends, steps }: {
      axes: readonly number[];
      starts: readonly number[];
      ends: readonly number[];
      steps?: readonly number[];
    },
  ): Value {
    const lists = steps ? [starts, ends, axes, steps] : [starts, ends, axes];
    return this.#one("Slice", [x, ...lists.map((list) => this.ints(list))]);
  }
  split(
    x: Value,
    sizes: readonly number[],
    { axis }: { axis: number },
  ): Value[] {
    return this.node("Split", [x, this.ints(sizes)], {
      attributes: { axis },
      outputs: sizes.length,
    });
  }
  /** Equal parts along `axis`, as torch.chunk returns if the size divides. */
  chunk(x: Value, parts: number, { axis }: { axis: number }): Value[] {
    const size = x.shape[normalizeAxis(axis, x.shape.length)] / parts;
    return this.split(x, Array(parts).fill(size), { axis });
  }
  /** Constant zero padding; pads `[begin..., end...]` over every axis. */
  pad(x: Value, pads: readonly number[]): Value {
    return this.#one("Pad", [x, this.ints(pads)], { mode: "constant" });
  }
  expand(x: Value, shape: readonly number[]): Value {
    return this.#one("Expand", [x, this.ints(shape)]);
  }
  gather(
    data: Value,
    indices: Value,
    { axis = 0 }: { axis?: number } = {},
  ): Value {
    return this.#one("Gather", [data, indices], { axis });
  }
  /** data with updates added (or written) at the index tuples. */
  scatterND(
    data: Value,
    indices: Value,
    updates: Value,
    { reduction = "none" }: { reduction?: "none" | "add" } = {},
  ): Value {
    return this.#one("ScatterND", [data, indices, updates], { reduction });
  }
  /** Channels to positions, position in the block first: `[B, b·b·C, H, W]` → `[B, C, b·H, b·W]`. */
  depthToSpace(x: Value, { blockSize }: { blockSize: number }): Value {
    return this.#one("DepthToSpace", [x], { blocksize: blockSize });
  }
  /** Resizes all axes to `sizes`: `asymmetric` is for PyTorch's nearest mode, the others for its bilinear modes. */
  resize(
    x: Value,
    sizes: readonly number[],
    { mode = "nearest", coordinates = "asymmetric" }: {
      mode?: "nearest" | "linear";
      coordinates?: "asymmetric" | "half_pixel" | "align_corners";
    } = {},
  ): Value {
    return this.#one("Resize", [x, null, null, this.ints(sizes)], {
      mode,
      coordinate_transformation_mode: coordinates,
      nearest_mode: "floor",
    });
  }
}
