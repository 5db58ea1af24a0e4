/** The project's own method, and SubNets of whole steps, from which it and most rivals start. */
export { uniformSteps, wholeStepGates } from "./whole_steps.ts";
