/**
 * Improves a SubNet by exchanges: closes the step that costs least by the
 * gradient's estimate, opens the one that brings most, keeps the result where
 * truly sampled images come closer. Estimates propose; samples decide.
 */
import type { TorchGenerator } from "@dip-go/core/random";
import type { Gate, Gates, SuperNet } from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import type { TrainingForm } from "@dip-go/supernet/training";
import { gateCosts } from "../budget/gate_costs.ts";
import { type CalibrationBatch, fidelityTo } from "../calibration.ts";
import type { EnergySearchOptions } from "../search_settings.ts";
import { repair } from "./closing.ts";
import {
  type ForecastPlan,
  leastSquaresForecast,
  payloadsOf,
  sampledPlan,
} from "./forecast_fit.ts";

/** The material of a search by gradient. */
export interface SearchTools {
  readonly runner: SubNetRunner;
  readonly form: TrainingForm;
  /** Used in turn. */
  readonly batches: readonly CalibrationBatch[];
  readonly random: TorchGenerator;
}

/** A plan, and how close its images come. */
export interface JudgedPlan extends ForecastPlan {
  /** Mean over samples of −10 log10 of the mean squared error to the full sampler's image, in dB. */
  readonly fidelity: number;
}

/** Fits the forecast on the first batch and judges the images of the first two. */
export async function judge(
  { runner, batches }: SearchTools,
  gates: Gates,
): Promise<JudgedPlan> {
  const [batch, ...others] = batches.slice(0, 2);
  const fit = await leastSquaresForecast(runner, { gates, batch });
  const { forecast } = fit;
  const scores = [fidelityTo(batch, fit.latents)];
  for (const batch of others) {
    const plan = sampledPlan(runner.net, { gates, forecast });
    const found = await runner.sample({ ...batch, ...plan });
    scores.push(fidelityTo(batch, found));
  }
  const fidelity = scores.reduce((a, b) => a + b) / scores.length;
  return { gates, forecast, fidelity };
}

/** Mean square of each gate's gradient under random cotangents on the images, `[T, N]`: how far the images move when it opens or closes. */
export async function gateEnergies(
  { form, random, batches }: SearchTools,
  plan: ForecastPlan,
  round: number,
): Promise<number[][]> {
  const batch = batches[round % batches.length];
  const { shape, data } = batch.latents;
  const scale = 1 / Math.sqrt(data.length / shape[0]); // E‖v‖² = 1 a sample
  const v = random.randn(shape).data.map((x) => scale * x);
  const payloads = payloadsOf(form.net, plan, { every: true });
  const { samples } = await form.gradient(
    { ...batch, gates: plan.gates, payloads },
    () => v,
    { segment: form.net.steps },
  );
  return samples.map((row) =>
    row.map((of) => of.reduce((sum, d) => sum + d * d, 0) / of.length)
  );
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
  })).slice(1);
  const closed = steps.filter(({ open }) => !open);
  return steps
    .filter(({ open }) => open)
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

/**
 * Exchanges from the best of several starts.
 *
 * @param maxCost Budget over all steps; every start must be within it.
 */
export async function exchange(
  tools: SearchTools,
  starts: readonly Gates[],
  { maxCost, evaluations, tries }:
    & Pick<EnergySearchOptions, "evaluations" | "tries">
    & { maxCost: number },
  onEvaluation: (fidelity: number) => void = () => {},
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
    onEvaluation(Math.max(found.fidelity, best?.fidelity ?? -Infinity));
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
