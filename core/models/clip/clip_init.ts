/**
 * Initial weights of CLIP towers that are trained here, as the authors of CLIP set
 * them (Radford et al., 2021): normal, narrower in layers that add to the residual
 * stream, the narrower the more layers a tower has; biases 0, norms 1.
 */
import { float32, zeros } from "../../tensor/tensor.ts";
import type {
  ClipEncoderConfig,
  ClipTextConfig,
  ClipVisionConfig,
} from "./clip_config.ts";
import { clipTextKind, clipVisionKind } from "./clip_load.ts";
import {
  initialWeights,
  type RandomTensors,
} from "../initial_weights/random_tensors.ts";

export const initClipText = (config: ClipTextConfig, random: RandomTensors) =>
  initial(config, clipTextKind.parameters(config), random);

export const initClipVision = (
  config: ClipVisionConfig,
  random: RandomTensors,
) => initial(config, clipVisionKind.parameters(config), random);

const initial = (
  config: ClipEncoderConfig,
  shapes: ReadonlyMap<string, readonly number[]>,
  random: RandomTensors,
) =>
  initialWeights(shapes, (key, shape) => {
    if (key.endsWith(".bias")) return zeros(shape);
    const spread = spreadOf(key, config);
    const { data } = random.randn(shape);
    return float32(shape, data.map((x) => spread === null ? 1 : spread * x));
  });

/** Standard deviation of a weight; null for the scale of a norm, which starts at 1. */
function spreadOf(
  key: string,
  { width, layers }: ClipEncoderConfig,
): number | null {
  const perWidth = width ** -0.5;
  const perLayer = (2 * layers) ** -0.5;
  if (/norm\d?\.weight$|layrnorm\.weight$/.test(key)) return null;
  if (/token_embedding/.test(key)) return 0.02;
  if (/position_embedding/.test(key)) return 0.01;
  if (/(out_proj|fc2)\.weight$/.test(key)) return perWidth * perLayer;
  if (/fc1\.weight$/.test(key)) return perWidth * Math.SQRT1_2;
  return perWidth;
}
