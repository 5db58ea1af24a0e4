/** TODO supernet/training */
export {
  openTrainingForm,
  type RealGates,
  TrainingForm,
} from "./training_form.ts";
