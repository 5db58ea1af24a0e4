/** TODO supernet/gates */
export type { Forecast, ForecastScalars } from "./forecast.ts";
export {
  checkGates,
  denseGates,
  type Gate,
  type Gates,
  parseGates,
} from "./gates.ts";
export {
  costBudget,
  denseCost,
  denseMacs,
  liveBlocks,
  subNetCost,
  subNetMacs,
} from "./liveness.ts";
export type { SubNetPlan } from "./plan.ts";
export type { SamplerName } from "./sampler_name.ts";
export { type SuperNet, superNet } from "./super_net.ts";
