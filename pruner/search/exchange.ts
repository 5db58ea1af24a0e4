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
import { range, sum } from "../numbers.ts";
import type { SearchSettings } from "../search_settings.ts";
import { closeCheapest } from "./closing.ts";
import {
  type ForecastPlan,
  leastSquaresForecast,
  payloadsOf,
  sampledPlan,
} from "./forecast_fit.ts";
import { Trials } from "./trials.ts";

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
  /** Its images' mean distance from the full sampler's, in dB: less fidelity. */
  readonly loss: number;
}

/** Fits the forecast on the first batch and judges the images of the first two. */
export async function judge(
  { runner, batches }: SearchTools,
  gates: Gates,
): Promise<JudgedPlan> {
  const [batch, ...others] = batches.slice(0, 2);
  const fit = await leastSquaresForecast(runner, { gates, batch });
  const { forecast } = fit;
  const losses = [-fidelityTo(batch, fit.latents)];
  for (const batch of others) {
    const plan = sampledPlan(runner.net, { gates, forecast });
    const found = await runner.sample({ ...batch, ...plan });
    losses.push(-fidelityTo(batch, found));
  }
  return { gates, forecast, loss: sum(losses) / losses.length };
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

/** Gates after swaps of whole steps, the opened one dense: so many, the largest estimated gain first. */
function swapped(
  net: SuperNet,
  gates: Gates,
  { energies, tries }: {
    readonly energies: readonly (readonly number[])[];
    readonly tries: number;
  },
): Gates[] {
  const whole = net.units.length - 1;
  const row = (gate: Gate) => net.units.map((): Gate => gate);
  const [closed, open] = ([0, 1] as const).map((gate) =>
    range(net.steps).filter((t) => t > 0 && gates[t][whole] === gate)
  );
  return open.flatMap((close) =>
    closed.map((open) => ({
      close,
      open,
      gain: energies[open][whole] - energies[close][whole],
    }))
  ).sort((a, b) => b.gain - a.gain).slice(0, tries)
    .map(({ close, open }) => gates.with(close, row(0)).with(open, row(1)));
}

/**
 * Exchanges from the best of several starts.
 *
 * @param maxCost Budget over all steps; every start must be within it.
 */
export async function exchange(
  tools: SearchTools,
  starts: readonly Gates[],
  { maxCost, evaluations, tries }: SearchSettings["energy"] & {
    readonly maxCost: number;
  },
  onEvaluation: (done: number, loss: number) => void = () => {},
): Promise<JudgedPlan> {
  const { net } = tools.runner;
  const costs = gateCosts(net);
  const trials = new Trials((gates: Gates) => judge(tools, gates), {
    evaluations,
    onEvaluation,
  });
  for (const gates of starts) await trials.of(gates);
  for (let round = 0; trials.done < evaluations; round++) {
    const from = trials.best;
    const energies = await gateEnergies(tools, from, round);
    const bounds = { energies, costs, maxCost, mayCloseSteps: false };
    const swaps = swapped(net, from.gates, { energies, tries });
    const candidates = [from.gates, ...swaps]
      .map((gates) => closeCheapest(net, gates, bounds));
    let improved = false;
    const before = trials.done;
    for (const gates of candidates) {
      improved = await trials.improves(gates);
      if (improved) break;
    }
    if (!improved && trials.done === before) break;
    if (!improved && round >= tools.batches.length) break;
  }
  return trials.best;
}
