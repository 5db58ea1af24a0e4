/**
 * Improves a SubNet by exchanges: closes the step of least gradient energy, opens
 * the step of most, and keeps the result if truly sampled latents come closer to
 * the full sampler's. Estimates propose; samples decide.
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

/** The sessions, batches and random numbers of a search by gradient. */
export interface SearchTools {
  readonly runner: SubNetRunner;
  readonly form: TrainingForm;
  /** The batches, which measurements use in turn. */
  readonly batches: readonly CalibrationBatch[];
  readonly random: TorchGenerator;
}

/** A plan and its loss. */
export interface JudgedPlan extends ForecastPlan {
  /** The negative fidelity of its final latents to the full sampler's, in dB. */
  readonly loss: number;
}

/** Fits the forecast on the first batch and judges the plan on the first two. */
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

/** Mean squares of gates' gradients for random cotangents, `[T, N]`: how far each gate moves the final latents. */
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

/** The gates after the `tries` best swaps of two whole steps, the best first; the opened step is dense. */
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
 * Improves the best of several starts by exchanges.
 *
 * @param maxCost The budget over all steps; every start must be within it.
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
    const before = trials.done;
    if (await trials.improves(candidates)) continue;
    if (trials.done === before || round >= tools.batches.length) break;
  }
  return trials.best;
}
