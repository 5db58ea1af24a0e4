/** Gradients of a loss on the final latents in every gate and coefficient, weights frozen. */
export {
  openTrainingForm,
  type RealGates,
  TrainingForm,
} from "./training_form.ts";
