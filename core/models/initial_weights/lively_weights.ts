/** Random weights large enough that every block matters, so that differences exceed float32 rounding. */
import { TorchGenerator } from "../../tensor/random.ts";
import { float32, sizeOf } from "../../tensor/tensor.ts";
import type { WeightSource } from "../block_graph/weights.ts";

/** A source of weights, drawn in the order in which a model asks for them; scales of norms lie around 1. */
export function livelyWeights(seed: number): WeightSource {
  const random = new TorchGenerator(seed);
  const known = new Map<string, Float32Array>();
  return (key, shape) => {
    const data = known.get(key) ?? draw(random, key, shape);
    known.set(key, data);
    return { data: float32(shape, data) };
  };
}

function draw(
  random: TorchGenerator,
  key: string,
  shape: readonly number[],
): Float32Array {
  const isVector = shape.length === 1;
  const scale = isVector ? 0.1 : 0.9 / Math.sqrt(sizeOf(shape.slice(1)));
  const mean = isVector && key.endsWith(".weight") ? 1 : 0;
  return random.randn(shape).data.map((v) => mean + scale * v);
}
