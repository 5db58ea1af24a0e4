/**
 * Pruning of samplers: {@linkcode prune} finds the blocks that each step may leave
 * out within a budget, by this project's own search or by a rival's rule.
 */
export { methodNames, prune, type PruneOptions } from "./prune.ts";
export {
  classSearch,
  promptSearch,
  type SearchSettings,
} from "./search_settings.ts";
