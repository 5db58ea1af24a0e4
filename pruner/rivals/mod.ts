/** The rivals, one file a method; DeepCache's gates are open to counts of MACs. */
export { deepCacheGates, uniformKeys } from "./deep_cache.ts";
