/**
 * T-GATE (Zhang et al., "Cross-Attention Makes Inference Cumbersome in
 * Text-to-Image Diffusion Models", arXiv 2404.02747): from the gate on,
 * cross-attention is held and guidance stops; before it, self-attention is
 * computed now and then. Units hold, from the call before the gate, the mean of both
 * halves of guidance.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import type { SampleRequest, UnitValue } from "@dip-go/supernet/sampling";
import { planCost } from "@dip-go/supernet/solver";
import { type Method, noPlan, planned } from "../../method.ts";
import { range } from "../../numbers.ts";
import { unguided } from "../../refusals.ts";
import { withoutGuidance } from "../whole_steps/guidance_stops.ts";
import { heldPlan } from "./held_plan.ts";

export interface TGateSettings {
  /** The gate: guidance stops at this step. */
  readonly gate: number;
  /** The interval of steps that compute self-attention after the warm-up and before the gate. */
  readonly selfInterval: number;
  /** The interval of steps that compute self-attention from the gate on. */
  readonly lateInterval: number;
  /** The last step of the warm-up, which always computes self-attention. */
  readonly warmUp: number;
  /** The step of the first call, 0 by default: −1 under PNDM, whose first step takes two calls. */
  readonly first?: number;
}

/** Whether self- and cross-attention run at each of T calls. */
export function tGateRuns(
  steps: number,
  { gate, selfInterval, lateInterval, warmUp, first = 0 }: TGateSettings,
): Readonly<Record<"self" | "cross", readonly boolean[]>> {
  const calls = range(steps).map((t) => t + first);
  return {
    self: calls.map((c) =>
      c >= gate
        ? c % lateInterval === 0
        : c === gate - 1 || c <= warmUp || c % selfInterval === 0
    ),
    cross: calls.map((c) => c < gate),
  };
}

/**
 * The plan, on units of single layers. From the gate on the conditional half runs
 * alone, on the held mean of both halves, and the other half's output equals its.
 */
export function tGatePlan(
  net: SuperNet,
  settings: TGateSettings,
): SubNetPlan & Required<Pick<SampleRequest, "mix">> {
  const { gate, first = 0 } = settings;
  const { self, cross } = tGateRuns(net.steps, settings);
  const { gates, payloads } = heldPlan(net, (unit, t) => {
    if (unit.endsWith(".attn1")) return self[t];
    return !unit.endsWith(".attn2") || cross[t];
  }, { held: "residual" });
  const unguided = withoutGuidance(cross.map((both) => !both));
  return {
    gates,
    payloads: { ...payloads, ...unguided.payloads },
    halves: unguided.halves,
    mix: ({ step, value }: UnitValue) =>
      step + first === gate - 1 ? meanOfHalves(value) : value,
  };
}

/** The mean of both halves instead of each half. */
function meanOfHalves(value: Float32Array): Float32Array {
  const half = value.length / 2;
  return value.map((_, i) => (value[i % half] + value[half + i % half]) / 2);
}

/** The authors' settings for 25 steps; the method chooses the gate and the interval before it. */
const authors = { lateInterval: 1, warmUp: 2 };
const intervals = [1, 2, 3, 4, 5];

/** All plans; none mixes halves, which a plan cannot express. */
function* plans(net: SuperNet): Generator<SubNetPlan> {
  for (let gate = net.steps - 1; gate > authors.warmUp; gate--) {
    for (const selfInterval of intervals) {
      const settings = { ...authors, gate, selfInterval };
      const { gates, payloads, halves } = tGatePlan(net, settings);
      yield { gates, payloads, halves };
    }
  }
}

/** T-GATE with the gate, and the interval of self-attention before it, that come closest to the budget. */
export const tGate: Method = {
  name: "t-gate",
  searches: false,
  refusal(of) {
    const { net: { units } } = of;
    const has = (layer: string) => units.some((unit) => unit.endsWith(layer));
    return has(".attn1") && has(".attn2")
      ? unguided(of)
      : "none of the units is a cross-attention";
  },
  fit({ net }, maxCost) {
    const priced = [...plans(net)]
      .map((plan) => ({ plan, cost: planCost(net, plan) }))
      .filter(({ cost }) => cost <= maxCost)
      .sort((a, b) => b.cost - a.cost);
    return priced.length > 0
      ? planned(priced[0].plan)
      : noPlan("no gate fits the budget; blocks besides attention always run");
  },
};
