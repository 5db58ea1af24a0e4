/** Gradients of a loss on the final latents with respect to gates and coefficients; weights are frozen. */
export {
  openTrainingForm,
  type RealGates,
  TrainingForm,
} from "./training_form.ts";
