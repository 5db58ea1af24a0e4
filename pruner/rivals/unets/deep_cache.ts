/**
 * DeepCache (Ma et al., "DeepCache: Accelerating Diffusion Models for Free",
 * CVPR 2024, arXiv 2312.00858): at key steps a UNet runs whole; at the others
 * only its shallowest part runs, on the deeper part's output of the last key step.
 */
import { type Gates, liveBlocks, type SuperNet } from "@dip-go/supernet/gates";
import { range } from "../../numbers.ts";
import { blockAt, gatesWhere, holdsOutputs } from "../../units.ts";
import { keyMethod, uniformKeys } from "../key_method.ts";

/** The authors' choice for 50 steps of Stable Diffusion: key steps are densest around `centre`, by a power. */
const authors = { steps: 50, centre: 15, power: 1.4 };

/** The layers that the authors' branch numbers count for each stage, whatever its true number. */
const layersOfStage = 3;

/**
 * The number of last units that run between key steps at a branch of the authors'
 * code. Branches count the layers of the up blocks from the end; an upsampler at a
 * stage's end is a unit of its own. Branches beyond the first stage equal the last
 * one within it, which holds the mid block alone.
 *
 * @throws {RangeError} If the UNet has no such branch.
 */
export function branchCut({ units }: SuperNet, branch: number): number {
  const layers = units.filter((unit) => /^up_blocks\.\d+\.\d+$/.test(unit));
  const stages = [
    ...Map.groupBy(layers, (unit) => unit.split(".")[1]).values(),
  ];
  const stage = stages.at(-1 - Math.trunc(branch / layersOfStage));
  const first = stage ? stage.at(-1 - branch % layersOfStage) : layers.at(0);
  if (first !== undefined) return units.length - 1 - units.indexOf(first);
  throw new RangeError(
    `Cannot cut a UNet at branch ${branch}: found stages of ${
      stages.map(({ length }) => length)
    } layers`,
  );
}

/** Whether there are units before the cut, and all units hold their outputs, as DeepCache's cache does. */
const canDeepCache = (
  net: SuperNet,
  computed: number,
): boolean => net.units.length - 2 >= computed && holdsOutputs(net);

/**
 * Gates of DeepCache: between key steps only the last units before the whole
 * step are computed, on the held output of the unit before them, with the skip
 * connections that they read.
 *
 * @param keys The steps at which the model runs whole; step 0 always does.
 * @param options.computed The number of last units that run between key steps, 1 by default; the authors' code computes 2 branches.
 * @throws {RangeError} If the units hold residuals instead of outputs, or are too few.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline } from "@dip-go/core";
 * import { superNetOf } from "@dip-go/supernet/gates";
 * import { deepCacheGates, uniformKeys } from "@dip-go/pruner/rivals";
 *
 * const pipeline = await loadPipeline("zoo/models/sd-shapes");
 * const sampler = pipeline.sampler({ steps: 4, granularity: "block" });
 * const net = superNetOf(sampler); // PNDM calls the model once more
 * const gates = deepCacheGates(net, uniformKeys(2, sampler.calls));
 * assertEquals(gates.map(([first]) => first), [1, 1, 1, 1, 1]); // a skip connection
 * assertEquals(gates.map(([, second]) => second), [1, 0, 1, 0, 1]);
 * ```
 */
export function deepCacheGates(
  net: SuperNet,
  keys: readonly number[],
  { computed = 1 }: { readonly computed?: number } = {},
): Gates {
  const cached = net.units.length - 2 - computed;
  if (!canDeepCache(net, computed)) {
    throw new RangeError(
      `Cannot cache deep features of ${net.model.model}: expected ${
        computed + 1
      } or more units that hold their outputs`,
    );
  }
  const isKey = (t: number) => t === 0 || keys.includes(t);
  return withoutDead(net, gatesWhere(net, (t, n) => n !== cached || isKey(t)));
}

/** Gates of the same SubNet, closed for all units that are not computed. */
function withoutDead(net: SuperNet, gates: Gates): Gates {
  const live = liveBlocks(net, gates);
  const whole = net.units.length - 1;
  const columns = net.units.map((unit) => blockAt(net, unit));
  return gatesWhere(
    net,
    (t, n) => gates[t][n] === 1 && (n === whole || live[t][columns[n]]),
  );
}

/**
 * The key calls by the authors' rule: a call's place is the first index of its
 * timestep, so that PNDM's repeated timestep counts once.
 */
export const keysByTimestep = (
  timesteps: readonly number[],
  isKey: (place: number) => boolean,
): number[] =>
  timesteps.flatMap((timestep, t) =>
    isKey(timesteps.indexOf(timestep)) ? [t] : []
  );

/** The step by which p falls if keys coincide. */
const powerStep = 0.02;

/** z^p of z = x + iy on the principal branch. */
function powerOf([x, y]: readonly number[], p: number): number[] {
  const magnitude = Math.hypot(x, y) ** p;
  const angle = p * Math.atan2(y, x);
  return [magnitude * Math.cos(angle), magnitude * Math.sin(angle)];
}

/**
 * DeepCache's non-uniform schedule: ⌈T/N⌉ key steps, evenly spread over
 * (t − c)^(1/p), so that they are densest around c, as whole numbers. Powers of
 * negative numbers are complex, and their real part counts. If keys coincide, p
 * falls until none do; if some always do, as at N = 1, keys are uniform.
 */
export function nonUniformKeys(interval: number, steps: number): number[] {
  const count = Math.ceil(steps / interval);
  const centre = authors.centre * steps / authors.steps;
  for (let p = authors.power; p > powerStep; p -= powerStep) {
    const [from, to] = [-centre, steps - centre]
      .map((end) => powerOf([end, 0], 1 / p));
    const points = range(count + 1).map((i) => {
      const between = from.map((x, k) => x + i / count * (to[k] - x));
      return Math.trunc(powerOf(between, p)[0]);
    });
    const inner = [...new Set(points)].sort((a, b) => a - b).slice(1, -1);
    const keys = [0, ...inner.map((key) => Math.floor(key + centre))];
    if (keys.length === count) return keys;
  }
  return uniformKeys(interval, steps);
}

/** Makes the method of DeepCache at the smallest interval that fits. */
const deepCacheMethod = (
  name: string,
  keys: (interval: number, steps: number) => number[],
  computed = 1,
) =>
  keyMethod(name, {
    keys,
    plan: (net, keys) => ({ gates: deepCacheGates(net, keys, { computed }) }),
    refusal: ({ net }) =>
      canDeepCache(net, computed)
        ? undefined
        : "its units hold what they add, or are too few; DeepCache holds outputs",
  });

/** DeepCache with every N-th step whole. */
export const deepCache = deepCacheMethod("deepcache", uniformKeys);

/** DeepCache with the authors' non-uniform schedule. */
export const deepCacheNonUniform = deepCacheMethod(
  "deepcache-nonuniform",
  nonUniformKeys,
);

/** DeepCache at the cut of the authors' code: the last two branches of a UNet run between key steps. */
export const deepCacheAuthors = deepCacheMethod(
  "deepcache-authors",
  uniformKeys,
  2,
);
