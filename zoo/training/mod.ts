/** TODO zoo/training */
export { type TaskSettings, train, type TrainingTask } from "./trainer.ts";
