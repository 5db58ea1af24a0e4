/**
 * The dual block cache of cache-dit (DBCache): the first F and the last B blocks run
 * at every call; while the residual of the first F changes little, the blocks between
 * reuse their residuals, or a Taylor series of them. The rule decides while sampling,
 * unless a mask decides beforehand.
 */
import {
  type CacheRule,
  RulePlan,
  type SubNetPlan,
  type SuperNet,
  taylor,
} from "@dip-go/supernet/gates";

export interface DbCacheSettings {
  /** The numbers F of first and B of last blocks, which run at every call. */
  readonly first: number;
  readonly last: number;
  /** The relative change below which blocks are reused; from 1 on, they always are. */
  readonly threshold: number;
  /** The calls 0, i, 2i, … before `warmUp` compute; i is `warmUpInterval`. A mask cuts them to its leading ones. */
  readonly warmUp: number;
  readonly warmUpInterval?: number;
  /** The most reusing calls of a run, and in a row; without limit by default, and if a mask asks no threshold. */
  readonly mostReused?: number;
  readonly mostInARow?: number;
  /** An entry for each call: true computes; false reuses, or asks the threshold if `tests` is set. */
  readonly mask?: {
    readonly computes: readonly boolean[];
    readonly tests: boolean;
  };
  /** The order of the Taylor series; 0 by default, which holds. */
  readonly order?: number;
}

/** Whether the calls that reuse are known beforehand. */
export const isStatic = ({ mask, threshold }: DbCacheSettings): boolean =>
  threshold >= 1 || mask?.tests === false;

/** Makes the rule; it counts reusing calls, so that each run needs its own. */
export function dbCache(settings: DbCacheSettings): CacheRule {
  const { first, last, threshold, mask, order = 0 } = settings;
  const { mostReused = Infinity, mostInARow = Infinity } = settings;
  const { warmUp, warmUpInterval = 1 } = settings;
  const leading = mask && [...mask.computes, false].indexOf(false);
  const warm = Math.min(warmUp, leading ?? Infinity);
  let [reused, inARow] = [0, 0];
  const mayReuse = (t: number) =>
    !(t < warm && t % warmUpInterval === 0) && !mask?.computes[t] &&
    (mask?.tests === false || reused < mostReused && inARow < mostInARow);
  return {
    first,
    last,
    weights: (t, computed) => lateTaylor(t, computed, order),
    async reuses(t, change) {
      const reuses = mayReuse(t) &&
        (isStatic(settings) || await change() < threshold);
      reused += reuses ? 1 : 0;
      inARow = reuses ? inARow + 1 : 0;
      return reuses;
    },
  };
}

/** The first call at which cache-dit's series takes a difference: its clock starts a call late. */
const firstDifference = 3;

/** The series' weights at call t for the values of the calls `computed`, newest first. */
export function lateTaylor(
  t: number,
  computed: readonly number[],
  order: number,
): readonly number[] {
  const differences = computed.filter((s) => s >= firstDifference).length;
  const distances = computed.map((s) => t - s).reverse();
  return taylor(Math.min(order, differences))(distances);
}

/**
 * The plan of a rule that asks for no change, on units of whole blocks.
 *
 * @throws {RangeError} If the rule asks for a change, or its first and last units exceed the network's.
 */
export async function rulePlan(
  net: SuperNet,
  rule: CacheRule,
): Promise<SubNetPlan> {
  const made = new RulePlan(net, rule);
  for (let t = 0; t < net.steps; t++) await made.decide(t);
  const { gates, payloads } = made;
  return { gates, payloads };
}
