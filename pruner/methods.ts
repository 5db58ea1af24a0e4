/** Every method that an experiment, or `prune`, can name. */
import type { Method } from "./method.ts";
import { dipGo } from "./network/dip_go.ts";
import {
  deepCache,
  deepCacheAuthors,
  deepCacheNonUniform,
} from "./rivals/deep_cache.ts";
import { fewerSteps } from "./rivals/fewer_steps.ts";
import { fora } from "./rivals/fora.ts";
import { genetic } from "./rivals/genetic_search.ts";
import { random } from "./rivals/random_gates.ts";
import { randomSearch } from "./rivals/random_search.ts";
import { searchedSubset } from "./rivals/searched_subset.ts";
import { subsetForecast } from "./rivals/subset_forecast.ts";
import { uniformReuse } from "./rivals/uniform_reuse.ts";
import { energyForecast } from "./search/energy_forecast.ts";

export {
  fitTarget,
  type FittedPlan,
  type Method,
  type MethodContext,
  type SampledPlan,
  type SearchPlace,
} from "./method.ts";
export type { SearchSettings } from "./search_settings.ts";

/** In the order in which tables list them by default. */
export const methods: readonly Method[] = [
  fewerSteps,
  uniformReuse,
  fora,
  deepCache,
  deepCacheNonUniform,
  deepCacheAuthors,
  random,
  randomSearch,
  genetic,
  searchedSubset,
  subsetForecast,
  dipGo,
  energyForecast,
];

/** @throws {RangeError} If there is no method of that name. */
export function methodNamed(name: string): Method {
  const method = methods.find((method) => method.name === name);
  if (method) return method;
  throw new RangeError(
    `Cannot find method "${name}", expected one of ${
      methods.map((method) => method.name).join(", ")
    }`,
  );
}
