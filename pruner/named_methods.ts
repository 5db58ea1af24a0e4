/** All methods that an experiment, or `prune`, can name. */
import type { PipelineSampler } from "@dip-go/core/pipeline";
import { addsNoise } from "@dip-go/core/samplers";
import type { Method } from "./method.ts";
import { dipGo, dipGoSteps } from "./network/dip_go.ts";
import { firstBlock } from "./rivals/adaptive/first_block_cache.ts";
import { teaCache } from "./rivals/adaptive/tea_cache.ts";
import { deltaDit } from "./rivals/caches/delta_dit.ts";
import { learningToCache } from "./rivals/caches/learning_to_cache.ts";
import { magCache } from "./rivals/caches/mag_cache.ts";
import { smoothCache } from "./rivals/caches/smooth_cache.ts";
import { tGate } from "./rivals/caches/t_gate.ts";
import {
  taylorSeer,
  taylorSeerDiffusers,
  taylorSeerLite,
} from "./rivals/caches/taylor_seer.ts";
import { fewerSteps } from "./rivals/few_steps/fewer_steps.ts";
import { gits } from "./rivals/few_steps/gits.ts";
import { fora } from "./rivals/fora.ts";
import { genetic } from "./rivals/genetic_search.ts";
import { random, randomSearch } from "./rivals/random_gates.ts";
import { searchedSubset } from "./rivals/searched_subset.ts";
import { subsetForecast } from "./rivals/subset_forecast.ts";
import {
  deepCache,
  deepCacheAuthors,
  deepCacheNonUniform,
} from "./rivals/unets/deep_cache.ts";
import { fasterDiffusion } from "./rivals/unets/faster_diffusion.ts";
import { uniformReuse } from "./rivals/uniform_reuse.ts";
import { budCache } from "./rivals/whole_steps/bud_cache.ts";
import { dpCache } from "./rivals/whole_steps/dp_cache.ts";
import { guidanceStops } from "./rivals/whole_steps/guidance_stops.ts";
import { l2p } from "./rivals/whole_steps/l2p.ts";
import { energyForecast } from "./search/energy_forecast.ts";
import {
  dpSolver,
  learnedSolver,
  pathSolver,
  uniformSolver,
} from "./search/learned_solver/learned_solver.ts";

/** All methods, in the order in which tables list them by default. */
export const methods: readonly Method[] = [
  fewerSteps,
  gits,
  uniformReuse,
  fora,
  deltaDit,
  smoothCache,
  learningToCache,
  magCache,
  firstBlock,
  teaCache,
  taylorSeer,
  taylorSeerDiffusers,
  taylorSeerLite,
  deepCache,
  deepCacheNonUniform,
  deepCacheAuthors,
  fasterDiffusion,
  guidanceStops,
  tGate,
  random,
  randomSearch,
  genetic,
  searchedSubset,
  subsetForecast,
  dpCache,
  budCache,
  l2p,
  dipGo,
  dipGoSteps,
  energyForecast,
  uniformSolver,
  pathSolver,
  dpSolver,
  learnedSolver,
];

/**
 * The method of a name.
 *
 * @throws {RangeError} If no method has the name; the message lists all names.
 */
export function methodNamed(name: string): Method {
  const method = methods.find((method) => method.name === name);
  if (method) return method;
  throw new RangeError(
    `Cannot find method "${name}", expected one of ${
      methods.map((method) => method.name).join(", ")
    }`,
  );
}

/** The strongest method that a sampler allows: a solver is learned only of samplers that add no noise. */
export const usualMethod = ({ sampler }: PipelineSampler): string =>
  addsNoise(sampler) ? "energy+forecast" : "learned-solver";
