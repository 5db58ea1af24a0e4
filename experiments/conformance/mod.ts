/** Recorded runs that take more than one model's tensors to compare: published caches on the zoo's models, made again by the rivals of the pruner. */
export { RivalSubjects } from "./rival_subjects.ts";
export { rivalRun } from "./rival_cases.ts";
