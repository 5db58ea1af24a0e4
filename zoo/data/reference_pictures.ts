/** Rendered reference pictures, with which the samples of the embedded models are compared. */
import type { Tensor } from "@dip-go/core/tensor";
import type { DrawnKind } from "../classifiers/picture_features.ts";
import { renderBatch } from "./render.ts";
import { freshScene } from "./scene_prompts.ts";
import { renderScenes } from "./scenes.ts";
import { classNames } from "./shapes.ts";
import { SplitMix32 } from "./uniform.ts";

/**
 * Renders pictures of each class of shapes in turn, or scenes of one object and
 * of two in turn. As in the lists of prompts, the diffusion models never saw the
 * two objects together.
 *
 * @returns `[count, 3, 24, 24]` or `[count, 3, 64, 64]`, in [-1, 1].
 */
export function referencePictures(
  kind: DrawnKind,
  { count, seed }: { count: number; seed: number },
): Tensor<"float32"> {
  const { uniform } = new SplitMix32(seed);
  if (kind === "shapes") {
    const classes = Array.from(
      { length: count },
      (_, i) => i % classNames.length,
    );
    return renderBatch(classes, { uniform });
  }
  const scenes = Array.from(
    { length: count },
    (_, i) => freshScene(1 + i % 2, uniform),
  );
  return renderScenes(scenes, uniform);
}
