/**
 * Gates by the energy of their gradient. Closing gate k replaces a feature f by
 * its backup, a change δ_k; to first order the image moves by J_k δ_k. With a
 * random unit cotangent v on the image, the gate's gradient is v · J_k δ_k, so
 * the mean of its square over v is the squared change of the image: one
 * backward pass measures every gate at once, closed steps included.
 *
 * A single linearisation is easily fooled, so the search walks: it prunes a
 * little, measures again where it stands, and goes on. Gates that pay least
 * energy a MAC are closed first. At each target it stays for some rounds and
 * keeps the gates whose images, not their estimate, came closest.
 */
import type { TorchGenerator } from "../core/random.ts";
import type { DdimSampler } from "../core/samplers/ddim.ts";
import type { Forecast } from "../supernet/forecast.ts";
import { denseGates, type Gates } from "../supernet/gates.ts";
import { subNetMacs } from "../supernet/liveness.ts";
import type { SubNetRunner } from "../supernet/sub_net.ts";
import type { SuperNet } from "../supernet/super_net.ts";
import type { TrainingForm } from "../supernet/training_form.ts";
import {
  type CalibrationBatch,
  randomCotangent,
  type SamplingSetup,
} from "./calibration.ts";
import { fitBudget, type Scores } from "./fit_budget.ts";
import { leastSquaresForecast } from "./forecast_fit.ts";

export interface EnergySearchOptions {
  /** Removed fractions of the dense MACs, ascending: a SubNet is returned for each. */
  readonly sparsity: readonly number[];
  /** Rounds from the dense model to the first target. */
  readonly approach: number;
  /** Rounds at each target. */
  readonly rounds: number;
  /** Weight of a new measurement of a gate's log energy against the old. */
  readonly mix: number;
}

/** One round, for progress and curves. */
export interface EnergyRound {
  readonly round: number;
  readonly rounds: number;
  readonly sparsity: number;
  /** Mean squared error of the SubNet's images to the full model's. */
  readonly mse: number;
}

export interface FittedSubNet {
  readonly sparsity: number;
  readonly gates: Gates;
  readonly forecast: Forecast;
  readonly mse: number;
}

/** MACs that each unit's own blocks take in one call; the whole step's are all of them. */
function unitMacs(net: SuperNet): number[] {
  const own = new Map(
    net.blocks.map(({ block }, i) => [block.name, net.macs[i]]),
  );
  const call = net.macs.reduce((a, b) => a + b, 0);
  return net.units.map((name) => own.get(name) ?? call);
}

/** Log energies, mixed over rounds; gates that a round could not measure keep what they had. */
class Energies {
  readonly #log: number[][];

  constructor(net: SuperNet) {
    this.#log = Array.from(
      { length: net.steps },
      () => net.units.map(() => NaN),
    );
  }

  update(samples: readonly (readonly Float64Array[])[], mix: number): void {
    samples.forEach((row, t) =>
      row.forEach((of, n) => {
        const energy = of.reduce((sum, d) => sum + d * d, 0) / of.length;
        if (energy === 0) return;
        const old = this.#log[t][n];
        this.#log[t][n] = Number.isNaN(old)
          ? Math.log(energy)
          : (1 - mix) * old + mix * Math.log(energy);
      })
    );
  }

  /** Log energy a MAC: what a budget is filled by. */
  scores(macs: readonly number[]): Scores {
    return this.#log.map((row) =>
      row.map((log, n) =>
        (Number.isNaN(log) ? -Infinity : log) - Math.log(macs[n])
      )
    );
  }
}

/** The sparsity of each round: linear to the first target, then each target for its rounds. */
function schedule(
  { sparsity, approach, rounds }: EnergySearchOptions,
): number[] {
  const ramp = Array.from(
    { length: approach },
    (_, i) => sparsity[0] * i / approach,
  );
  return [...ramp, ...sparsity.flatMap((s) => Array<number>(rounds).fill(s))];
}

/**
 * SubNets for every target from one walk through sparsities.
 *
 * @param batches Calibration batches, used in turn; those that are evaluated must not be among them.
 */
export async function searchByEnergy(
  { runner, form, setup, batches, random }: {
    runner: SubNetRunner;
    form: TrainingForm;
    setup: SamplingSetup & { readonly sampler: DdimSampler };
    batches: readonly CalibrationBatch[];
    random: TorchGenerator;
  },
  options: EnergySearchOptions,
  onRound: (round: EnergyRound) => void = () => {},
): Promise<FittedSubNet[]> {
  const { net } = runner;
  const dense = denseGates(net.steps, net.units.length);
  const budget = (sparsity: number) => (1 - sparsity) * subNetMacs(net, dense);
  const macs = unitMacs(net);
  const energies = new Energies(net);
  const best = new Map<number, FittedSubNet>();
  const plan = schedule(options);
  for (const [round, sparsity] of plan.entries()) {
    const batch = batches[round % batches.length];
    const gates = round === 0
      ? dense
      : fitBudget(net, energies.scores(macs), budget(sparsity));
    const forecast = await leastSquaresForecast(runner, setup, {
      gates,
      batch,
    });
    const v = randomCotangent(batch, random);
    const { samples, latents } = await form.gradient(
      { ...batch, ...setup, gates, forecast },
      () => v,
      { segment: net.steps },
    );
    energies.update(samples, options.mix);
    const mse = meanSquaredError(latents.data, batch.trajectory[net.steps]);
    if (!(best.get(sparsity)?.mse! <= mse)) {
      best.set(sparsity, { sparsity, gates, forecast, mse });
    }
    onRound({ round, rounds: plan.length, sparsity, mse });
  }
  return options.sparsity.map((sparsity) => best.get(sparsity)!);
}

function meanSquaredError(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
}
