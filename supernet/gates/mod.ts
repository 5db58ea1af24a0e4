/** SuperNets, gates, plans, and the blocks that a plan leaves alive with their cost. */
export type { Forecast, ForecastScalars } from "./forecast.ts";
export { checkGates, denseGates, type Gate, type Gates } from "./gates.ts";
export {
  costBudget,
  denseCost,
  denseMacs,
  liveBlocks,
  subNetCost,
  subNetMacs,
} from "./liveness.ts";
export { type GateReading, OpenGates } from "./open_gates.ts";
export {
  checkPlan,
  parseGates,
  type Plan,
  planFor,
  readPlan,
  type SubNetPlan,
} from "./plan.ts";
export { type SuperNet, superNet, superNetOf } from "./super_net.ts";
