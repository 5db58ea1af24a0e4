/** Gradients of a loss on the final latents in every gate and forecast scalar, weights frozen. */
export {
  openTrainingForm,
  type RealGates,
  TrainingForm,
} from "./training_form.ts";
