/**
 * Training of Learning-to-Cache's routers, by the gradient of every gate at once. A
 * pair of calls is drawn. The first is computed whole; in the second each unit mixes
 * its computed and its held value. The distance to the full prediction is lowered
 * together with the sum of the gates.
 */
import { adamW } from "@dip-go/core/autodiff";
import { TorchGenerator } from "@dip-go/core/random";
import type { Sampler } from "@dip-go/core/samplers";
import { float32 } from "@dip-go/core/tensor";
import { heldBy, type Payloads, type SuperNet } from "@dip-go/supernet/gates";
import type { SubNetRunner } from "@dip-go/supernet/sampling";
import { openTrainingForm, type TrainingForm } from "@dip-go/supernet/training";
import type { CalibrationBatch } from "../../calibration.ts";
import { range, rowsOf, sum } from "../../numbers.ts";
import type { SearchSettings } from "../../search_settings.ts";
import { blockAt } from "../../units.ts";

/** σ(logit), the share of a unit's computed value, at the calls 1, 3, 5, …, `[T / 2, N − 1]`. */
export type Routers = readonly (readonly number[])[];

/** The largest absolute logit, as in the authors' code. */
const limit = 5;

/** The rate at which the weight of the sum follows the cost. */
const multiplierRate = 0.5;

/** The payloads of a pair: each unit but the whole step holds its branch. */
const heldOf = ({ units }: SuperNet): Payloads =>
  Object.fromEntries(
    units.slice(0, -1).map((
      unit,
    ) => [unit, { held: "branch", coefficients: [[], [1]] }]),
  );

/** A sampler of calls t − 1 and t: its noise is the latents before call t, its result that call's prediction. */
const pairOf = ({ steps }: Sampler, t: number): Sampler => ({
  name: "pair",
  initNoiseSigma: 1,
  noised: { clean: 0, noise: 1 },
  memory: 0,
  steps: [
    { ...stepAt(steps[t - 1]), predictions: [0], noise: 1 },
    { ...stepAt(steps[t]), predictions: [1], noise: 0 },
  ],
});

const stepAt = ({ timestep, inputScale }: Sampler["steps"][number]) => ({
  timestep,
  inputScale,
  latents: [0],
});

/** The gradient of a pair's squared error with respect to its second call's gates, `[N − 1]`. */
async function pairGradient(
  form: TrainingForm,
  { sampler, trajectory, predictions, latents, ...batch }: CalibrationBatch,
  { t, gates }: { readonly t: number; readonly gates: readonly number[] },
): Promise<readonly number[]> {
  const full = form.net.units.map(() => 1);
  const target = predictions[t];
  const gradient = await form.gradient(
    {
      ...batch,
      latents: float32(latents.shape, trajectory[t - 1]),
      noise: [trajectory[t], undefined],
      sampler: pairOf(sampler, t),
      gates: [full, [...gates, 1]],
      payloads: heldOf(form.net),
    },
    ({ data }) => data.map((value, i) => 2 * (value - target[i]) / data.length),
  );
  return gradient.gates[1].slice(0, -1);
}

/**
 * Trains routers.
 *
 * @param options.share The share of the cost of routed calls' units that a budget pays for; the weight of the gates' sum follows it.
 */
export async function trainRouters(
  { net, options }: SubNetRunner,
  batches: readonly CalibrationBatch[],
  { share, seed, onIteration, iterations, learningRate, sumWeight }:
    & {
      readonly share: number;
      readonly seed: number;
      readonly onIteration: (done: number) => void;
    }
    & SearchSettings["routers"],
): Promise<Routers> {
  const pair: SuperNet = { ...net, steps: 2 };
  const held = heldBy(pair, heldOf(net));
  await using form = await openTrainingForm(held, options);
  const random = new TorchGenerator(seed);
  const calls = Math.floor(net.steps / 2);
  const count = net.units.length - 1;
  const logits = new Float32Array(calls * count);
  const optimizers = range(calls).map(() => adamW(count));
  const routers = () =>
    rowsOf(logits, calls).map((row) =>
      [...row].map((x) => 1 / (1 + Math.exp(-x)))
    );
  const costs = net.units.slice(0, -1)
    .map((unit) => net.costs[blockAt(net, unit)]);
  let weight = sumWeight;
  for (let i = 0; i < iterations; i++) {
    const p = Math.floor(random.uniform() * calls);
    const gates = routers()[p];
    const batch = batches[i % batches.length];
    const slopes = await pairGradient(form, batch, { t: 2 * p + 1, gates });
    const gradient = Float32Array.from(
      gates,
      (gate, n) => (slopes[n] + weight) * gate * (1 - gate),
    );
    const own = logits.subarray(p * count, (p + 1) * count);
    optimizers[p].update(own, gradient, learningRate);
    own.forEach((x, n) => own[n] = Math.min(limit, Math.max(-limit, x)));
    const kept = keptShare(routers(), costs);
    weight *= Math.exp(multiplierRate * (kept - share));
    onIteration(i + 1);
  }
  return routers();
}

/** The share of the units' cost that the routers keep. */
function keptShare(routers: Routers, costs: readonly number[]): number {
  const kept = routers.flatMap((gates) =>
    gates.map((gate, n) => gate * costs[n])
  );
  return sum(kept) / (sum(costs) * routers.length);
}
