/** Every rival that an experiment can name. */
import {
  deepCache,
  deepCacheAuthors,
  deepCacheNonUniform,
  fewerSteps,
  fora,
  random,
  uniformReuse,
} from "./fixed_methods.ts";
import type { Method } from "./method.ts";
import { genetic, randomSearch } from "./round_methods.ts";
import {
  dipGo,
  energyForecast,
  searchedSubset,
  subsetForecast,
} from "./search_methods.ts";

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
