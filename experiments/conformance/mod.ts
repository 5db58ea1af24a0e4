/** Conformance with whole runs: published caches, recorded on the zoo's models and run again by the pruner's rivals. */
export { RivalSubjects } from "./rival_subjects.ts";
export { rivalRun } from "./rival_cases.ts";
