/** Rules whose decisions are known before sampling. */
import {
  type CacheRule,
  RulePlan,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";

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
