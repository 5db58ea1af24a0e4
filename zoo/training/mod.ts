/** Training of the embedded models: one loop for every task, its gradients computed by several workers at once. */
export { type TaskSettings, train, type TrainingTask } from "./trainer.ts";
