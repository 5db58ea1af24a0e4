/** SuperNets, gates, plans, and the blocks that a plan leaves alive with their cost. */
export { type CacheRule, relativeChange, RulePlan } from "./cache_rule.ts";
export {
  type Forecast,
  forecastGradient,
  forecastPayload,
  forecastRow,
  type ForecastScalars,
} from "./forecast.ts";
export { checkGates, denseGates, type Gate, type Gates } from "./gates.ts";
export { type Halves } from "./halves.ts";
export { heldBy } from "./held_units.ts";
export {
  costBudget,
  denseCost,
  denseMacs,
  liveBlocks,
  subNetCost,
  subNetMacs,
} from "./liveness.ts";
export { type GateReading, OpenGates } from "./open_gates.ts";
export { type PartialCall, partialCall } from "./partial_call.ts";
export {
  adamsBashforth,
  hermite,
  hold,
  newton,
  type PayloadMaker,
  taylor,
} from "./payload_makers.ts";
export {
  checkPayloads,
  type Coefficient,
  type Payload,
  payloadOf,
  type PayloadRow,
  type Payloads,
} from "./payloads.ts";
export {
  checkPlan,
  checkUnits,
  type Fillings,
  parseGates,
  type Plan,
  planFor,
  readPlan,
  type SubNetPlan,
} from "./plan.ts";
export {
  type BlockCosts,
  type SuperNet,
  superNet,
  superNetOf,
} from "./super_net.ts";
