/**
 * Evaluation of generated pictures: metrics with their intervals, files of
 * results and tables of them. {@linkcode evaluatePictures} measures a folder
 * against another or against published statistics.
 *
 * Networks, charts, reports, benches and conformance have entry points of their
 * own, such as `@dip-go/eval/metrics`.
 *
 * @module
 */
export {
  imageOf,
  type Picture,
  readPicture,
  rgbImage,
  writePng,
} from "@dip-go/core/pictures";
export {
  evaluatePictures,
  type EvaluationOptions,
  type FeatureNetwork,
  type InceptionFile,
  type PictureMetric,
} from "./metrics/evaluate_pictures.ts";
export {
  type ContrastivePair,
  openContrastivePair,
} from "./metrics/networks/clip/contrastive_pair.ts";
export { type Lpips, openLpips } from "./metrics/networks/lpips/open_lpips.ts";
export { clipScores } from "./metrics/prompt_scores.ts";
export { psnr } from "./metrics/psnr.ts";
export {
  type Normal,
  normalOfFeatures,
} from "./metrics/sets/feature_statistics.ts";
export { frechetDistance } from "./metrics/sets/frechet_distance.ts";
export { kernelDistance } from "./metrics/sets/kernel_distance.ts";
export { precisionRecall } from "./metrics/sets/precision_recall.ts";
export { readReference } from "./metrics/sets/reference_statistics.ts";
export { ssim } from "./metrics/ssim.ts";
export { imageGrid } from "./pictures/image_grid.ts";
export { picturesOf } from "./pictures/picture_folder.ts";
export {
  type BootstrapOptions,
  type Interval,
  type Interval as SetValue,
  meanInterval,
  pairedDifference,
} from "./statistics/bootstrap.ts";
export { unpairedDifference } from "./statistics/unpaired_difference.ts";
export { type JoinedRow, joinResults } from "./tables/join_results.ts";
export { renderTable, type TableFormat } from "./tables/render_table.ts";
export {
  type MetricValue,
  readResults,
  type ResultRow,
  type Results,
  writeResults,
} from "./tables/results.ts";
