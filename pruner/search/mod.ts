/** SubNets of whole steps, from which this project's searches and most rivals start. */
export { uniformSteps, wholeStepGates } from "./whole_steps.ts";
