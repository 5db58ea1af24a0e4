/**
 * DeepCache (Ma et al., "DeepCache: Accelerating Diffusion Models for Free",
 * CVPR 2024, arXiv 2312.00858): at key steps a UNet runs whole; at the others
 * only its shallowest part runs, on the deeper part's output of the last key step.
 */
import {
  denseGates,
  type Gate,
  type Gates,
  liveBlocks,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { patternMethod } from "./pattern_method.ts";

/** The authors' choice for 50 steps of Stable Diffusion: key steps are densest around a step, by a power. */
const authors = { steps: 50, centre: 15, power: 1.4 };

/** Where a UNet is cut. */
export interface DeepCacheCut {
  /** How many of the last units run between key steps; 1 by default. the authors' code computes 2 branches. */
  readonly computed?: number;
}

/** Whether there are units before the cut, and all hold their outputs, as DeepCache's cache does. */
const canDeepCache = (
  { blocks, units }: SuperNet,
  { computed = 1 }: DeepCacheCut = {},
): boolean =>
  units.length - 2 >= computed &&
  blocks.every(({ block }) => !block.gated || block.residual === undefined);

/**
 * Gates of DeepCache: between key steps only the last units before the whole
 * step are computed, on the held output of the unit before them, and the skip
 * connections that they read.
 *
 * @param keys Steps at which the model runs whole; 0 is one in any case.
 * @throws {RangeError} If the units hold what they add, not their outputs, or there are too few.
 */
export function deepCacheGates(
  net: SuperNet,
  keys: readonly number[],
  { computed = 1 }: DeepCacheCut = {},
): Gates {
  const cached = net.units.length - 2 - computed;
  if (!canDeepCache(net, { computed })) {
    throw new RangeError(
      `Cannot cache deep features of ${net.model.model}: expected ${
        computed + 1
      } or more units that hold their outputs`,
    );
  }
  const isKey = (t: number) => t === 0 || keys.includes(t);
  const gates = denseGates(net.steps, net.units.length).map((row, t) =>
    row.map((_, n): Gate => n === cached && !isKey(t) ? 0 : 1)
  );
  return withoutDead(net, gates);
}

/** The same SubNet, its gates closed where a unit is not computed. */
function withoutDead(net: SuperNet, gates: Gates): Gates {
  const live = liveBlocks(net, gates);
  const whole = net.units.length - 1;
  const columns = net.units.map((unit) =>
    net.blocks.findIndex(({ block }) => block.name === unit)
  );
  return gates.map((row, t) =>
    row.map((gate, n): Gate => n === whole || live[t][columns[n]] ? gate : 0)
  );
}

/** Every N-th of T steps, from 0. */
export function uniformKeys(interval: number, steps: number): number[] {
  return Array.from(
    { length: Math.ceil(steps / interval) },
    (_, i) => i * interval,
  );
}

interface Complex {
  readonly real: number;
  readonly imaginary: number;
}

/** z^p on the principal branch. */
function power({ real, imaginary }: Complex, p: number): Complex {
  const magnitude = Math.hypot(real, imaginary) ** p;
  const angle = p * Math.atan2(imaginary, real);
  return {
    real: magnitude * Math.cos(angle),
    imaginary: magnitude * Math.sin(angle),
  };
}

/**
 * DeepCache's non-uniform schedule: ⌈T/N⌉ key steps, evenly spread over
 * (t − c)^(1/p), so that they are densest around c. Powers of negative numbers
 * are complex, of which the real part counts.
 *
 * @param shape c and p; by default the authors', c in proportion to T.
 */
export function nonUniformKeys(
  interval: number,
  steps: number,
  { centre = authors.centre * steps / authors.steps, power: p = authors.power }:
    { centre?: number; power?: number } = {},
): number[] {
  const count = Math.ceil(steps / interval);
  const root = (x: number) => power({ real: x, imaginary: 0 }, 1 / p);
  const [from, to] = [root(-centre), root(steps - centre)];
  const keys = Array.from({ length: count }, (_, i) => {
    const at = i / count;
    const between = {
      real: from.real + at * (to.real - from.real),
      imaginary: from.imaginary + at * (to.imaginary - from.imaginary),
    };
    return Math.floor(Math.trunc(power(between, p).real) + centre);
  });
  keys[0] = 0;
  return [...new Set(keys)];
}

/** DeepCache at the smallest interval that fits. */
const deepCacheMethod = (
  name: string,
  keysOf: (interval: number, steps: number) => number[],
  cut?: DeepCacheCut,
) =>
  patternMethod(
    name,
    (net, interval) => deepCacheGates(net, keysOf(interval, net.steps), cut),
    (net) =>
      canDeepCache(net, cut)
        ? undefined
        : "its units hold what they add, or are too few; DeepCache holds outputs",
  );

/** Every N-th step whole. */
export const deepCache = deepCacheMethod("deepcache", uniformKeys);

/** The authors' non-uniform schedule. */
export const deepCacheNonUniform = deepCacheMethod(
  "deepcache-nonuniform",
  nonUniformKeys,
);

/** Every N-th step whole, at the cut of the authors' code: the last two branches of a UNet run between. */
export const deepCacheAuthors = deepCacheMethod(
  "deepcache-authors",
  uniformKeys,
  { computed: 2 },
);
