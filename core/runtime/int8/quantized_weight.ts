/** Rounds weights to 8-bit integers, symmetric, with a scale for each output channel. */
import type { GraphBuilder } from "../../onnx/builder.ts";
import type { FileRange, Initializer, Value } from "../../onnx/graph.ts";
import { float32, sizeOf, type Tensor, tensor } from "../../tensor/tensor.ts";
import { tensorOf } from "../initializer_data.ts";

/** A weight ≈ integers · scales, with a scale for each channel in a shape that broadcasts. */
interface QuantizedWeight {
  readonly integers: Tensor<"int8">;
  readonly scales: Tensor<"float32">;
}

/** The form of a weight's integers. */
interface Rounding {
  /** The axis of the output's channels. */
  readonly axis: number;
  /** The largest magnitude of an integer. */
  readonly largest: number;
  /** Whether the integers are transposed, `[N, K]` → `[K, N]`. */
  readonly turned?: boolean;
}

/** Quantised weights by data or file range, then by rounding: graphs share many. */
const made = new WeakMap<Tensor | FileRange, Map<string, QuantizedWeight>>();

/** A float32 weight in 8 bits. @throws As {@linkcode tensorOf}. */
function quantizedWeight(
  initializer: Initializer,
  rounding: Rounding,
): QuantizedWeight {
  const source = initializer.data ?? initializer.file;
  const make = () => quantized(initializer, rounding);
  if (!source) return make(); // which throws
  return made.getOrInsertComputed(source, () => new Map())
    .getOrInsertComputed(JSON.stringify(rounding), make);
}

function quantized(
  initializer: Initializer,
  { axis, largest, turned }: Rounding,
): QuantizedWeight {
  const floats = tensorOf(initializer).data as Float32Array;
  const { shape } = initializer;
  const channels = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  const most = new Float32Array(channels);
  const rounded = new Int8Array(floats.length);
  for (let i = 0, run = 0; i < floats.length; run++) {
    const channel = run % channels;
    for (const end = i + inner; i < end; i++) {
      most[channel] = Math.max(most[channel], Math.abs(floats[i]));
    }
  }
  const factors = Float64Array.from(most, (x) => x === 0 ? 0 : largest / x);
  for (let i = 0, run = 0; i < floats.length; run++) {
    const factor = factors[run % channels];
    for (const end = i + inner; i < end; i++) {
      rounded[i] = Math.round(floats[i] * factor);
    }
  }
  const integers = tensor("int8", shape, rounded);
  const after = turned ? [] : shape.slice(axis + 1).map(() => 1);
  return {
    integers: turned ? transposed(integers) : integers,
    scales: float32(
      [channels, ...after],
      most.map((each) => each / largest),
    ),
  };
}

/** `[N, K]` → `[K, N]`. */
function transposed({ shape: [N, K], data }: Tensor<"int8">): Tensor<"int8"> {
  const turned = new Int8Array(N * K);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) turned[k * N + n] = data[n * K + k];
  }
  return tensor("int8", [K, N], turned);
}

/** Adds a weight's integers and scales to a graph. @throws As {@linkcode quantizedWeight}. */
export function addWeight(
  g: GraphBuilder,
  initializer: Initializer,
  rounding: Rounding,
): { integers: Value; scales: Value } {
  const { integers, scales } = quantizedWeight(initializer, rounding);
  const key = `${initializer.name}:int8`;
  const { shape } = integers;
  return {
    integers: g.parameter(key, shape, { dtype: "int8", data: integers }),
    scales: g.parameter(`${key}:scales`, scales.shape, { data: scales }),
  };
}
