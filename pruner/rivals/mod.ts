/** The rivals, one file a method; what programs besides the methods build of them. */
export { deepCacheGates, uniformKeys } from "./deep_cache.ts";
