/**
 * Improves a SubNet by exchanges: close what the gradient says costs least,
 * open what it says brings most, keep the result where images that were truly
 * sampled come closer. Estimates propose; samples decide.
 */
import type { TorchGenerator } from "@dip-go/core/random";
import type { Tensor } from "@dip-go/core/tensor";
import {
  type Forecast,
  type Gate,
  type Gates,
  subNetCost,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import type { TrainingForm } from "@dip-go/supernet/training";
import {
  type CalibrationBatch,
  randomCotangent,
  type SamplingSetup,
} from "../calibration/calibration.ts";
import { gateCosts } from "../budget/gate_costs.ts";
import { leastSquaresForecast } from "./forecast_fit.ts";

/** What a search by gradient works with. */
export interface SearchTools {
  readonly runner: SubNetRunner;
  readonly form: TrainingForm;
  readonly setup: SamplingSetup;
  /** Used in turn; those that are evaluated must not be among them. */
  readonly batches: readonly CalibrationBatch[];
  readonly random: TorchGenerator;
}

/** A plan, and how close its images come. */
export interface JudgedPlan extends SubNetPlan {
  readonly forecast: Forecast;
  /** Mean over samples of −10 log10 of the mean squared error to the full sampler's image, in dB. */
  readonly fidelity: number;
}

/** Mean over samples of −10 log10 MSE between pictures `[B, ...]`. */
function fidelityOf(
  found: Float32Array,
  target: Float32Array,
  samples: number,
): number {
  const size = found.length / samples;
  let sum = 0;
  for (let b = 0; b < samples; b++) {
    let error = 0;
    for (let i = b * size; i < (b + 1) * size; i++) {
      error += (found[i] - target[i]) ** 2;
    }
    sum -= 10 * Math.log10(Math.max(error / size, 1e-12));
  }
  return sum / samples;
}

/** Fidelity of a batch's sampled images `[B, ...]` to the full sampler's, in dB. */
export function fidelityTo(
  { trajectory }: CalibrationBatch,
  { data, shape }: Tensor<"float32">,
): number {
  return fidelityOf(data, trajectory[trajectory.length - 1], shape[0]);
}

/** Fits the forecast on the first batch and judges the images of the first two. */
export async function judge(
  { runner, setup, batches }: SearchTools,
  gates: Gates,
): Promise<JudgedPlan> {
  const [fitted, ...others] = batches.slice(0, 2);
  const { forecast, latents } = await leastSquaresForecast(runner, setup, {
    gates,
    batch: fitted,
  });
  const scores = [fidelityTo(fitted, latents)];
  for (const batch of others) {
    const found = await runner.sample({ ...batch, ...setup, gates, forecast });
    scores.push(fidelityTo(batch, found));
  }
  const fidelity = scores.reduce((a, b) => a + b) / scores.length;
  return { gates, forecast, fidelity };
}

/** Mean square of each gate's gradient under random cotangents on the images, `[T, N]`: what closing or opening it moves. */
export async function gateEnergies(
  { form, setup, random, batches }: SearchTools,
  plan: SubNetPlan,
  round: number,
): Promise<number[][]> {
  const batch = batches[round % batches.length];
  const v = randomCotangent(batch, random);
  const { samples } = await form.gradient(
    { ...batch, ...setup, ...plan },
    () => v,
    { segment: form.net.steps },
  );
  return samples.map((row) =>
    row.map((of) => of.reduce((sum, d) => sum + d * d, 0) / of.length)
  );
}

/** Gates of called steps closed, cheapest energy for its cost first, until they fit; then reopened, dearest first, while they fit. */
export function repair(
  net: SuperNet,
  gates: Gates,
  { energies, costs, maxCost }: {
    energies: readonly (readonly number[])[];
    costs: readonly number[];
    maxCost: number;
  },
): Gates {
  const whole = net.units.length - 1;
  const repaired = gates.map((row) => [...row]);
  const inner = gates
    .flatMap((row, t) =>
      t > 0 && row[whole] === 1
        ? row.slice(0, whole).map((_, n) => ({
          t,
          n,
          score: energies[t][n] / costs[n],
        }))
        : []
    )
    .sort((a, b) => a.score - b.score);
  for (const { t, n } of inner) {
    if (subNetCost(net, repaired) <= maxCost) break;
    repaired[t][n] = 0;
  }
  for (const { t, n } of inner.toReversed()) {
    if (repaired[t][n] === 1) continue;
    repaired[t][n] = 1;
    if (subNetCost(net, repaired) > maxCost) repaired[t][n] = 0;
  }
  return repaired;
}

/** Step pairs (close, open), the largest estimated gain first. */
function swaps(
  net: SuperNet,
  gates: Gates,
  energies: readonly (readonly number[])[],
) {
  const whole = net.units.length - 1;
  const steps = gates.map((row, t) => ({
    t,
    open: row[whole] === 1,
    energy: energies[t][whole],
  }))
    .slice(1);
  const [open, closed] = [
    steps.filter((s) => s.open),
    steps.filter((s) => !s.open),
  ];
  return open
    .flatMap((a) =>
      closed.map((b) => ({ close: a.t, open: b.t, gain: b.energy - a.energy }))
    )
    .sort((a, b) => b.gain - a.gain);
}

/** Gates after a swap of whole steps: the opened one dense. */
function swapped(
  gates: Gates,
  { close, open }: { close: number; open: number },
): Gates {
  const filled = (gate: Gate) => gates[0].map((): Gate => gate);
  return gates.with(close, filled(0)).with(open, filled(1));
}

export interface ExchangeOptions {
  /** Plans that are sampled at most. */
  readonly evaluations: number;
  /** Swaps tried from one measurement of the gradient, before measuring again. */
  readonly tries: number;
}

/**
 * Exchanges from the best of several starts.
 *
 * @param maxCost Budget over all steps; every start must be within it.
 */
export async function exchange(
  tools: SearchTools,
  starts: readonly Gates[],
  { maxCost, evaluations, tries }: ExchangeOptions & { maxCost: number },
  onEvaluation: () => void = () => {},
): Promise<JudgedPlan> {
  const { net } = tools.runner;
  const costs = gateCosts(net);
  const tried = new Set<string>();
  let best: JudgedPlan | undefined;
  /** Samples a plan unless it was sampled before; true where it is the new best. */
  const attempt = async (gates: Gates): Promise<boolean> => {
    const key = gates.map((row) => row.join("")).join();
    if (tried.has(key) || tried.size >= evaluations) return false;
    tried.add(key);
    const found = await judge(tools, gates);
    onEvaluation();
    if (best && found.fidelity <= best.fidelity) return false;
    best = found;
    return true;
  };
  for (const gates of starts) await attempt(gates);
  for (let round = 0; tried.size < evaluations; round++) {
    const from = best!;
    const energies = await gateEnergies(tools, from, round);
    const fit = (gates: Gates) =>
      repair(net, gates, { energies, costs, maxCost });
    const candidates = swaps(net, from.gates, energies).slice(0, tries)
      .map((swap) => fit(swapped(from.gates, swap)));
    let improved = false;
    const before = tried.size;
    for (const gates of [fit(from.gates), ...candidates]) {
      improved = await attempt(gates);
      if (improved) break;
    }
    if (!improved && tried.size === before) break;
    if (!improved && round >= tools.batches.length) break;
  }
  return best!;
}
