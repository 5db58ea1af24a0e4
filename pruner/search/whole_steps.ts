/**
 * SubNets of whole steps: the model is called at some steps, and the last
 * prediction is held in between. With DDIM that is k-step DDIM on a subset of
 * the timesteps; a sampler with memory remembers held predictions as if computed.
 */
import { nextState, startState } from "@dip-go/core/samplers";
import { denseCost, type Gates, type SuperNet } from "@dip-go/supernet/gates";
import type { CalibrationBatch } from "../calibration.ts";
import { meanSquaredError, range, zeros } from "../numbers.ts";
import { gatesWhere } from "../units.ts";

/**
 * Gates of calls at the given steps only.
 *
 * @param computed The steps at which the model is called; 0 must be among them.
 * @throws {RangeError} If step 0 is not among them or one is out of range.
 *
 * @example Half of the calls are half of the MACs
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline } from "@dip-go/core";
 * import { denseMacs, subNetMacs, superNetOf } from "@dip-go/supernet/gates";
 * import { uniformSteps, wholeStepGates } from "@dip-go/pruner/search";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * const net = superNetOf(pipeline.sampler({ steps: 6 }));
 * const gates = wholeStepGates(net, uniformSteps(3, 6));
 * assertEquals(2 * subNetMacs(net, gates), denseMacs(net));
 * ```
 */
export function wholeStepGates(
  net: SuperNet,
  computed: readonly number[],
): Gates {
  const odd = computed.find((t) =>
    !Number.isInteger(t) || t < 0 || t >= net.steps
  );
  if (odd !== undefined || !computed.includes(0)) {
    throw new RangeError(
      `Cannot reuse whole steps: computed steps are [${computed}], expected integers from 0 to ${
        net.steps - 1
      } with 0 among them`,
    );
  }
  return gatesWhere(net, (t) => computed.includes(t));
}

/**
 * k steps spread evenly over T, the first at 0.
 *
 * @throws {RangeError} If k is not from 1 to T.
 */
export function uniformSteps(k: number, steps: number): number[] {
  if (!Number.isInteger(k) || k < 1 || k > steps) {
    throw new RangeError(
      `Cannot choose ${k} of ${steps} steps: expected 1 to ${steps}`,
    );
  }
  return range(k).map((i) => Math.floor(i * steps / k));
}

/** The number of whole model calls that a budget pays for. */
export const callsWithin = (net: SuperNet, maxCost: number): number =>
  Math.floor(maxCost / (denseCost(net) / net.steps));

/**
 * The mean squared error, over batches, of holding the prediction of step i up to
 * step j; `[T][T + 1]`. If a sampler has memory, the traces of earlier jumps in it
 * are not counted.
 */
export function jumpCosts(
  batches: readonly Pick<
    CalibrationBatch,
    "sampler" | "latents" | "noise" | "predictions" | "trajectory"
  >[],
): number[][] {
  const { sampler } = batches[0];
  const count = sampler.steps.length;
  const costs = zeros(count, count + 1);
  for (const { latents, trajectory, predictions, noise } of batches) {
    let start = startState(sampler, latents.data);
    for (const [i, prediction] of predictions.entries()) {
      let state = start;
      for (let j = i; j < count; j++) {
        state = nextState(sampler, j, { state, prediction, noise: noise?.[j] });
        if (j === i) start = state; // the full sampler's own next state
        costs[i][j + 1] += meanSquaredError(state.latents, trajectory[j + 1]) /
          batches.length;
      }
    }
  }
  return costs;
}
