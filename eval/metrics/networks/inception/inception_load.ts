/** Inception-v3 of 2015-12-05 from the checkpoint that pytorch-fid publishes. */
import { inceptionGraph } from "./inception.ts";
import {
  askedShapes,
  openWeights,
  type WeightSource,
} from "@dip-go/core/models";

/** The checkpoint also holds the layer that tells classes apart, and may count the batches of its training. */
const ignored = /^fc\.|\.num_batches_tracked$/;

/** Key and shape of every weight that the features need. */
export const inceptionParameters = (
  narrow = 1,
): ReadonlyMap<string, readonly number[]> =>
  askedShapes((weights) => inceptionGraph({ narrow }, weights, { batch: 1 }));

/**
 * Opens the weights, `pt_inception-2015-12-05-6726825d.pth` or the same as safetensors.
 *
 * @param narrow As in `InceptionConfig`.
 * @throws As `openWeights`.
 */
export const loadInception = (
  path: string,
  { narrow = 1 } = {},
): WeightSource => openWeights(path, inceptionParameters(narrow), { ignored });
