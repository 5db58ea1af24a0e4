/** TODO pruner/calibration */
export {
  type Batch,
  calibrate,
  type CalibrationBatch,
  drawBatch,
  type SamplingSetup,
} from "./calibration.ts";
