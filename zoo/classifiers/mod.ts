/** Networks that look at drawn pictures and tell what is on them: the embedded models' judges, and the features that their distances are measured in. */
export { openPictureFeatures, PictureFeatures } from "./picture_features.ts";
export {
  scenesClassifier,
  writeScenesClassifier,
} from "./scenes_classifier.ts";
export {
  kindsShown,
  loadScenesClassifier,
  type PromptAccuracy,
  promptAccuracyOf,
} from "./scenes_judge.ts";
export {
  shapesClassifier,
  writeShapesClassifier,
} from "./shapes_classifier.ts";
export {
  type Accuracy,
  accuracyOf,
  type Classified,
  classifyShapes,
  loadShapesClassifier,
  partsOfClass,
} from "./shapes_judge.ts";
