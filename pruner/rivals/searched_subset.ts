/**
 * The strongest baseline of whole-step reuse: the best k of T steps at which to
 * call the model. The first candidates are the best path over recorded
 * trajectories, found by dynamic programming without a model call (as GITS,
 * arXiv 2405.11326, finds its timesteps), and even spacing. Moves that are judged
 * on true samples improve the better candidate.
 */
import { type CalibrationBatch, fidelityTo } from "../calibration.ts";
import { cheapestPath } from "../search/forecast_path.ts";
import { jumpCosts, uniformSteps } from "../search/whole_steps.ts";
import { choiceMethod, type StepTrials } from "./whole_steps/choice_method.ts";

/** Subsets with one computed step moved by up to two places, step 0 kept, nearest moves first. */
function* neighbours(
  computed: readonly number[],
  steps: number,
): Generator<number[]> {
  for (const distance of [1, -1, 2, -2]) {
    for (let i = 1; i < computed.length; i++) {
      const moved = computed[i] + distance;
      if (moved < 1 || moved >= steps || computed.includes(moved)) continue;
      yield computed.with(i, moved).sort((a, b) => a - b);
    }
  }
}

/** Tries subsets of k steps, from the better of the two first candidates. */
export async function searchSubset(
  trials: StepTrials,
  { k, batches }: {
    readonly k: number;
    readonly batches: readonly CalibrationBatch[];
  },
): Promise<void> {
  const steps = batches[0].sampler.steps.length;
  await trials.of(cheapestPath(jumpCosts(batches), k));
  await trials.of(uniformSteps(k, steps));
  for (let improved = true; improved;) {
    const candidates = neighbours(trials.best.computed, steps);
    improved = await trials.improves(candidates);
  }
}

/** The best k of T steps, predictions held in between. */
export const searchedSubset = choiceMethod("searched-subset", {
  settings: "subset",
  part: "subset",
  lossOf: (batch, latents) => -fidelityTo(batch, latents),
  search: searchSubset,
});
