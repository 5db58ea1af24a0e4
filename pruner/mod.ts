/**
 * Which blocks of which steps a sampler can do without: {@linkcode prune} finds
 * a plan for a budget, by this project's own search or by a rival's rule.
 */
export { methodNames, prune, type PruneOptions } from "./prune.ts";
export {
  classSearch,
  promptSearch,
  type SearchSettings,
} from "./search_settings.ts";
