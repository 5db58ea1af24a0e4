/**
 * T-GATE (Zhang et al., "Cross-Attention Makes Inference Cumbersome in
 * Text-to-Image Diffusion Models", arXiv 2404.02747): from the gate on,
 * cross-attention is held and guidance stops; before it, self-attention is
 * computed now and then. What is held from the call before the gate is the mean of
 * both halves of guidance.
 */
import type { SubNetPlan, SuperNet } from "@dip-go/supernet/gates";
import type { SampleRequest, UnitValue } from "@dip-go/supernet/sampling";
import { heldPlan, type Runs } from "./held_plan.ts";

export interface TGateSettings {
  /** The gate: guidance stops at this step. */
  readonly gate: number;
  /** Self-attention is computed every so many steps before the gate, after its warm-up, */
  readonly selfInterval: number;
  /** and every so many from the gate on. */
  readonly lateInterval: number;
  /** Up to this step it always is. */
  readonly warmUp: number;
}

/** The step of a call. @param first Of the first one: −1 under PNDM, whose first step takes two calls. */
type CallSettings = TGateSettings & { readonly first?: number };

/** When self- and cross-attention run, of T calls. */
export function tGateRuns(
  steps: number,
  { gate, selfInterval, lateInterval, warmUp, first = 0 }: CallSettings,
): Readonly<Record<"self" | "cross", Runs>> {
  const calls = Array.from({ length: steps }, (_, t) => t + first);
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
 * alone, on the mean of both that is held, and the other half's output is the same.
 */
export function tGatePlan(
  net: SuperNet,
  settings: CallSettings,
): SubNetPlan & Required<Pick<SampleRequest, "mix">> {
  const { gate, first = 0 } = settings;
  const { self, cross } = tGateRuns(net.steps, settings);
  const { gates, payloads } = heldPlan(net, (unit) => {
    if (unit.endsWith(".attn1")) return self;
    return unit.endsWith(".attn2") ? cross : undefined;
  }, { held: "residual" });
  const guided = cross;
  return {
    gates,
    payloads: {
      ...payloads,
      unconditional: {
        held: "residual",
        coefficients: guided.map((both) => both ? [] : [0]),
      },
    },
    halves: guided.map((both) => both ? "both" : "conditional"),
    mix: ({ step, value }: UnitValue) =>
      step + first === gate - 1 ? meanOfHalves(value) : value,
  };
}

/** Both halves' mean in the place of each. */
function meanOfHalves(value: Float32Array): Float32Array {
  const half = value.length / 2;
  return value.map((_, i) => (value[i % half] + value[half + i % half]) / 2);
}
