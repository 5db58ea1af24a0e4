/** All methods that an experiment or `prune` can name, their settings, and functions that fit them to budgets. */
export { gradientPasses } from "./budget/gate_costs.ts";
export { type CalibrationBatch, subjectAt } from "./calibration.ts";
export { keptPart } from "./kept_part.ts";
export {
  type AdaptivePlan,
  fitTarget,
  type FittedPlan,
  type Method,
  type MethodContext,
  type PlanPrecision,
  type ReadSettings,
  type SampledPlan,
  type SearchPart,
  type SearchPlace,
} from "./method.ts";
export {
  type MethodChoice,
  methodChoices,
  methodOf,
  searchOf,
} from "./method_settings.ts";
export { SamplerSearch } from "./sampler_search.ts";
export {
  classSettings,
  promptSettings,
  type SearchSettings,
} from "./search_settings.ts";
export { methodNamed, methods, usualMethod } from "./named_methods.ts";
