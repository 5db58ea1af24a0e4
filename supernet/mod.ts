/**
 * SubNets of a pipeline: a plan's gates decide which of the network's units run
 * at which step. {@linkcode openSubNet} draws pictures with one,
 * {@linkcode exportSubNet} writes one as a file that needs nothing of this project.
 */
export { openSubNet } from "./open_sub_net.ts";
export {
  type Exported,
  type ExportOptions,
  exportSubNet,
} from "./export/export_sub_net.ts";
export { type Plan, readPlan } from "./gates/plan.ts";
