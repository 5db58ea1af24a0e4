/** Metrics that compare pictures with a picture, a prompt or a set of pictures, and the networks for their features. */
export { pictureMetrics } from "./evaluate_pictures.ts";
export {
  ContrastivePair,
  cosine,
  openContrastivePair,
} from "./networks/clip/contrastive_pair.ts";
export {
  InceptionFeatures,
  openInceptionFeatures,
} from "./networks/inception/inception_features.ts";
export {
  type FidConvention,
  fidConventions,
} from "./networks/inception/inception_inputs.ts";
export { inceptionParameters } from "./networks/inception/inception.ts";
export {
  lpipsGraph,
  lpipsNets,
  lpipsParameters,
} from "./networks/lpips/lpips.ts";
export { loadLpips, Lpips, openLpips } from "./networks/lpips/open_lpips.ts";
export { pairedMetrics } from "./paired_metrics.ts";
export { clipScores, promptAccuracy } from "./prompt_scores.ts";
export { meanSquaredErrors, psnr } from "./psnr.ts";
export { normalOf, statisticsOf } from "./sets/feature_statistics.ts";
export { frechetDistance } from "./sets/frechet_distance.ts";
export {
  archiveContent,
  distanceFromStatistics,
  givesStatistics,
} from "./sets/reference_statistics.ts";
export type { Interval as SetValue } from "../statistics/bootstrap.ts";
export {
  distanceFrom,
  fixedReference,
  frechetMetric,
  kernelMetric,
  pairedReference,
  precisionRecallMetric,
  type SetMetric,
  type SetReference,
} from "./sets/set_metric.ts";
