/** Plans and rules of published caches; the rivals are in this folder, one file for each method. */
export { layersPlan } from "./caches/held_plan.ts";
export { adaptiveRule } from "./adaptive/adaptive_rule.ts";
export { firstBlockCache } from "./adaptive/first_block_cache.ts";
export {
  dbCache,
  type DbCacheSettings,
  isStatic,
  lateTaylor,
  rulePlan,
} from "./caches/db_cache.ts";
export { routedPlan } from "./caches/learning_to_cache.ts";
export { magPlan, magRuns } from "./caches/mag_cache.ts";
export { broadcastPlan } from "./caches/pyramid_attention_broadcast.ts";
export { smoothPlan, smoothRuns } from "./caches/smooth_cache.ts";
export { tGatePlan } from "./caches/t_gate.ts";
export { diffusersKeys, paperKeys, taylorPlan } from "./caches/taylor_seer.ts";
export { foraKeys } from "./fora.ts";
export { uniformKeys } from "./key_method.ts";
export {
  branchCut,
  deepCacheGates,
  keysByTimestep,
} from "./unets/deep_cache.ts";
