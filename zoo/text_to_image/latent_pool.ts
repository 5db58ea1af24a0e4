/**
 * A pool of scenes' latents, encoded once, from which training draws: the encoder
 * would otherwise cost a fifth of every update. The scenes come in families, and
 * one sentence is true of all scenes of a family.
 */
import { float32, joined, sizeOf, type Tensor } from "@dip-go/core/tensor";
import type { SceneEncoder } from "./scene_encoder.ts";
import {
  describeScene,
  type Description,
  drawScene,
  isReserved,
  redrawn,
  renderScenes,
  type Scene,
} from "../data/scenes.ts";
import type { GuidedPicture } from "../teaching/attention_guidance.ts";
import { SplitMix32 } from "../data/uniform.ts";

/** The number of scenes in a family, which are neighbours in the pool. */
export const familySize = 8;

/** Scenes, the sentences of their families, and their latents. */
export interface LatentPool {
  readonly scenes: readonly Scene[];
  /** The sentence of each family. */
  readonly descriptions: readonly Description[];
  /** `[N, 4, 16, 16]`, scene by scene; scene i is of family i / {@linkcode familySize}, rounded down. */
  readonly latents: Tensor<"float32">;
}

function trainingScene(uniform: () => number): Scene {
  let scene = drawScene(uniform);
  while (isReserved(scene)) scene = drawScene(uniform);
  return scene;
}

/**
 * Renders and encodes random scenes, none of them reserved.
 *
 * @param options.count The number of scenes, a multiple of the encoder's batch and of {@linkcode familySize}.
 * @param options.seed The seed, which with `count` decides the pool.
 */
export async function encodePool(
  encoder: SceneEncoder,
  { count, seed }: { count: number; seed: number },
): Promise<LatentPool> {
  const { uniform } = new SplitMix32(seed);
  const scenes: Scene[] = [];
  const descriptions: Description[] = [];
  while (scenes.length < count) {
    const scene = trainingScene(uniform);
    const description = describeScene(scene, uniform);
    descriptions.push(description);
    scenes.push(scene);
    for (let i = 1; i < familySize; i++) {
      scenes.push(redrawn(scene, description, uniform));
    }
  }
  const { batch } = encoder;
  const parts: Tensor<"float32">[] = [];
  for (let first = 0; first < count; first += batch) {
    const own = scenes.slice(first, first + batch);
    parts.push(await encoder.latents(renderScenes(own, uniform)));
  }
  return { scenes, descriptions, latents: joined(parts) };
}

/** The latents of one of a pool's scenes, `[4, 16, 16]` as a view. */
export function latentsOf(
  { latents: { shape: [, ...element], data } }: LatentPool,
  index: number,
): Float32Array {
  const size = sizeOf(element);
  return data.subarray(index * size, (index + 1) * size);
}

/** The latents of some of a pool's scenes, `[B, 4, 16, 16]`. */
export function latentsAt(
  pool: LatentPool,
  indices: readonly number[],
): Tensor<"float32"> {
  const { shape: [, ...element] } = pool.latents;
  const size = sizeOf(element);
  const chosen = new Float32Array(indices.length * size);
  indices.forEach((index, i) => chosen.set(latentsOf(pool, index), i * size));
  return float32([indices.length, ...element], chosen);
}

/** Probability of the empty caption, which trains classifier-free guidance (Ho and Salimans, 2021). */
const captionDropout = 0.1;

/** A picture of the pool, and the caption that it is trained with. */
export interface DrawnPicture extends GuidedPicture {
  /** The index of its scene in the pool. */
  readonly index: number;
}

/** Draws a scene of the pool with a caption: none, its family's if `ofFamily`, or a fresh one. */
export function drawPicture(
  { scenes, descriptions }: LatentPool,
  { ofFamily, uniform }: { ofFamily: boolean; uniform: () => number },
): DrawnPicture {
  const index = Math.floor(uniform() * scenes.length);
  const scene = scenes[index];
  if (uniform() < captionDropout) return { index, scene, description: null };
  const description = ofFamily
    ? descriptions[Math.floor(index / familySize)]
    : describeScene(scene, uniform);
  return { index, scene, description };
}
