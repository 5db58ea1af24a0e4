/**
 * Latents of scenes, encoded once and drawn from again and again: the encoder
 * would otherwise cost a fifth of every update.
 */
import { joined } from "../core/batch.ts";
import { float32, sizeOf, type Tensor } from "../core/tensor.ts";
import type { SceneEncoder } from "./scene_encoder.ts";
import { drawScene, isReserved, renderScenes, type Scene } from "./scenes.ts";
import { SplitMix32 } from "./uniform.ts";

/** Scenes and what the autoencoder makes of them. */
export interface LatentPool {
  readonly scenes: readonly Scene[];
  /** `[N, 4, 16, 16]`, the i-th of the i-th scene. */
  readonly latents: Tensor<"float32">;
}

/** A random scene that is not reserved. */
export function trainingScene(uniform: () => number): Scene {
  let scene = drawScene(uniform);
  while (isReserved(scene)) scene = drawScene(uniform);
  return scene;
}

/**
 * Renders and encodes random scenes, none of them reserved.
 *
 * @param options.count Scenes, a multiple of the encoder's batch.
 * @param options.seed The pool depends on it alone.
 */
export async function encodePool(
  encoder: SceneEncoder,
  { count, seed }: { count: number; seed: number },
): Promise<LatentPool> {
  const { uniform } = new SplitMix32(seed);
  const scenes = Array.from({ length: count }, () => trainingScene(uniform));
  const { batch } = encoder;
  const parts: Tensor<"float32">[] = [];
  for (let first = 0; first < count; first += batch) {
    const own = scenes.slice(first, first + batch);
    parts.push(await encoder.latents(renderScenes(own, uniform)));
  }
  return { scenes, latents: joined(parts) };
}

/** The latents of each picture of a batch `[B, 4, 16, 16]`, views. */
export function eachLatents(
  { shape: [batch], data }: Tensor<"float32">,
): Float32Array[] {
  const size = data.length / batch;
  return Array.from(
    { length: batch },
    (_, b) => data.subarray(b * size, (b + 1) * size),
  );
}

/** The latents of some of a pool's scenes, `[B, 4, 16, 16]`. */
export function latentsAt(
  { latents: { shape: [, ...element], data } }: LatentPool,
  indices: readonly number[],
): Tensor<"float32"> {
  const size = sizeOf(element);
  const chosen = new Float32Array(indices.length * size);
  indices.forEach((index, i) =>
    chosen.set(data.subarray(index * size, (index + 1) * size), i * size)
  );
  return float32([indices.length, ...element], chosen);
}
