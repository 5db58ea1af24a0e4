/**
 * The strongest baseline of whole-step reuse: the best k of T steps at which to
 * call the model. With DDIM that is k-step DDIM on the best subset of the
 * timesteps; a sampler with memory remembers held predictions as if computed. Starts are the best path over recorded trajectories, found by
 * dynamic programming without a model call, and even spacing; exchanges that
 * are judged on true samples improve the better one.
 */
import {
  nextState,
  type Sampler,
  type SamplerState,
  startState,
} from "@dip-go/core/samplers";
import type { CalibrationBatch } from "../calibration/calibration.ts";
import { uniformSteps } from "./fixed_patterns.ts";

/**
 * Mean squared error, over a batch, of holding the prediction of step i up to
 * step j; `[T][T + 1]`. With a sampler that has memory, what an earlier jump
 * left in it is not counted.
 */
export function jumpCosts(
  sampler: Sampler,
  batches: readonly CalibrationBatch[],
): number[][] {
  const count = sampler.steps.length;
  const costs = Array.from(
    { length: count },
    () => Array<number>(count + 1).fill(0),
  );
  for (const batch of batches) {
    const { trajectory, predictions, noise } = batch;
    statesOf(sampler, batch).forEach((start, i) => {
      let state = start;
      const prediction = predictions[i];
      for (let j = i; j < count; j++) {
        state = nextState(sampler, j, { state, prediction, noise: noise[j] });
        costs[i][j + 1] += meanSquaredError(state.latents, trajectory[j + 1]) /
          batches.length;
      }
    });
  }
  return costs;
}

/** The full sampler's state before each step. */
function statesOf(
  sampler: Sampler,
  { latents, predictions, noise }: CalibrationBatch,
): SamplerState[] {
  let next = startState(sampler, latents.data);
  return predictions.map((prediction, i) => {
    const state = next;
    next = nextState(sampler, i, { state, prediction, noise: noise[i] });
    return state;
  });
}

function meanSquaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
}

/** The path 0 → … → T of k jumps with the least summed cost: the steps it leaves from. */
export function cheapestPath(
  costs: readonly (readonly number[])[],
  k: number,
): number[] {
  const steps = costs.length;
  const none = Array<number>(steps + 1).fill(Infinity);
  let reached = none.with(0, 0);
  const from: number[][] = [];
  for (let jump = 0; jump < k; jump++) {
    const next = [...none];
    const origin = Array<number>(steps + 1).fill(-1);
    for (let i = 0; i < steps; i++) {
      for (let j = i + 1; j <= steps; j++) {
        const cost = reached[i] + costs[i][j];
        if (cost < next[j]) [next[j], origin[j]] = [cost, i];
      }
    }
    from.push(origin);
    reached = next;
  }
  const path: number[] = [];
  for (let jump = k - 1, j = steps; jump >= 0; jump--) {
    j = from[jump][j];
    path.unshift(j);
  }
  return path;
}

export interface SubsetSearchOptions {
  /** Model calls. */
  readonly k: number;
  /** True evaluations at most. */
  readonly evaluations: number;
}

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

/**
 * The steps at which the model is called, 0 among them, ascending.
 *
 * @param evaluate How far the images of a subset are from the full sampler's; what the search minimises.
 */
export async function searchSubset(
  { sampler, batches, evaluate }: {
    sampler: Sampler;
    batches: readonly CalibrationBatch[];
    evaluate: (computed: readonly number[]) => Promise<number>;
  },
  { k, evaluations }: SubsetSearchOptions,
  onEvaluation: (done: number) => void = () => {},
): Promise<number[]> {
  const steps = sampler.steps.length;
  const tried = new Set<string>();
  let best: readonly number[] = [];
  let least = Infinity;
  /** Whether a subset that was not tried before is the best so far. */
  const improves = async (candidate: readonly number[]): Promise<boolean> => {
    const key = candidate.join();
    if (tried.has(key) || tried.size >= evaluations) return false;
    tried.add(key);
    const error = await evaluate(candidate);
    onEvaluation(tried.size);
    if (error >= least) return false;
    [best, least] = [candidate, error];
    return true;
  };
  await improves(cheapestPath(jumpCosts(sampler, batches), k));
  await improves(uniformSteps(k, steps));
  for (let improved = true; improved;) {
    improved = false;
    for (const candidate of neighbours(best, steps)) {
      improved = await improves(candidate);
      if (improved) break;
    }
  }
  return [...best];
}
