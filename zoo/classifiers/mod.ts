/** Classifiers of drawn pictures: the judges of the embedded models' samples, and the features for distances between sets of pictures. */
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
