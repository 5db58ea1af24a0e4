/** Whether parts of a network are worth computing at some steps: measured without a search, and judged at equal MACs. */
export {
  type CallErrors,
  type Depth,
  type DepthProbe,
  probeDepths,
  type ProbeOptions,
} from "./depth_probe.ts";
export {
  type BudgetVerdict,
  type ProbeVerdict,
  taughtShares,
  verdictOf,
} from "./verdict.ts";
