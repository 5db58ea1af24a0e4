/**
 * The dual block cache of cache-dit (DBCache): the first F and the last B blocks
 * run at every call; while what the first add to the stream changes little, those
 * between add what they last added, or a Taylor series of it. Decided while
 * sampling, unless a mask says it beforehand.
 */
import {
  type CacheRule,
  RulePlan,
  type SubNetPlan,
  type SuperNet,
  taylor,
} from "@dip-go/supernet/gates";

export interface DbCacheSettings {
  /** F and B. */
  readonly first: number;
  readonly last: number;
  /** Relative changes below it are passed over; all from 1 on. */
  readonly threshold: number;
  /** Of the calls 0, i, 2i, … before `warmUp`, all compute. */
  readonly warmUp: number;
  readonly warmUpInterval?: number;
  /** The most reusing calls of a run, and the most in a row; as many as there are by default, and where a mask asks no threshold. */
  readonly mostReused?: number;
  readonly mostInARow?: number;
  /** One entry a call: true computes; false reuses, or asks the threshold where `tests` is set. */
  readonly mask?: {
    readonly computes: readonly boolean[];
    readonly tests: boolean;
  };
  /** Of the Taylor series; 0, which holds, by default. */
  readonly order?: number;
}

/** Whether the calls that reuse are known beforehand. */
export const isStatic = ({ mask, threshold }: DbCacheSettings): boolean =>
  threshold >= 1 || mask?.tests === false;

/** The rule; it counts, so that each run needs its own. */
export function dbCache(settings: DbCacheSettings): CacheRule {
  const { first, last, threshold, mask, order = 0 } = settings;
  const { mostReused = Infinity, mostInARow = Infinity } = settings;
  const { warmUp, warmUpInterval = 1 } = settings;
  const leading = mask?.computes.indexOf(false) ?? -1;
  const warm = leading === -1 ? warmUp : Math.min(warmUp, leading);
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

/** Of cache-dit's series: its clock starts a call late, and it takes no difference before this call. */
const firstDifference = 3;

/** The series' weights at call t of what the calls `computed` made. */
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
 * @throws {RangeError} If it asks.
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
