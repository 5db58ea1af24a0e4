/** TODO pruner/rivals */
export {
  canDeepCache,
  type DeepCacheCut,
  deepCacheGates,
  nonUniformKeys,
  uniformKeys,
} from "./deep_cache.ts";
export {
  foraGates,
  randomGates,
  uniformSteps,
  wholeStepGates,
} from "./fixed_patterns.ts";
export { breed } from "./genetic_search.ts";
export { drawAnew } from "./random_search.ts";
export {
  type JudgedGates,
  type Propose,
  searchByRounds,
} from "./round_search.ts";
export { searchSubset } from "./searched_subset.ts";
