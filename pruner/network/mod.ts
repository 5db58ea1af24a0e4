/** TODO pruner/network */
export type { DecodePictures } from "./consistency_loss.ts";
export {
  type NetworkSearchOptions,
  searchByNetwork,
} from "./network_search.ts";
