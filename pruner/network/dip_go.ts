/**
 * DiP-GO (Zhu et al., "DiP-GO: A Diffusion Pruner via Few-step Gradient
 * Optimization", NeurIPS 2024, arXiv 2410.16942; section 3.3, equation 3): the
 * pruner network is trained by gradient through the frozen sampler. Gates are
 * hard on the way forward and follow the softmax on the way back
 * (straight-through); the loss is
 *
 *   L = L_c + α / (N T) Σ γ_k g_k    until the second term's mean falls to `stop`,
 *
 * then L_c alone. Its scores serve every budget.
 */
import {
  adamW,
  clipGradient,
  cosineLearningRate,
  gradientOf,
  sgd,
  vjpGraph,
} from "@dip-go/core/autodiff";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession, type Session } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import type { SuperNet } from "@dip-go/supernet/gates";
import type { TrainingForm } from "@dip-go/supernet/training";
import { fitBudget, gatesOf, type Scores } from "../budget/fit_budget.ts";
import { gateCosts } from "../budget/gate_costs.ts";
import { networkTrainingCost } from "../budget/training_cost.ts";
import type { CalibrationBatch } from "../calibration.ts";
import {
  type Method,
  type MethodContext,
  planned,
  type SearchPlace,
} from "../method.ts";
import type { NetworkSearchOptions } from "../search_settings.ts";
import { consistencyLossGraph } from "./consistency_loss.ts";
import { openPrunerNetwork } from "./pruner_network.ts";
import { TrainingCheckpoint } from "./training_checkpoint.ts";

/** One training's constants. */
interface Training {
  readonly net: SuperNet;
  readonly form: TrainingForm;
  /** From `image` and `reference` to `loss` and its gradient with respect to `image`. */
  readonly loss: Session;
  /** γ of each unit, `[N]`. */
  readonly costs: readonly number[];
  readonly options: NetworkSearchOptions;
}

/** dL/dkeep of the gates `[M]` for one batch, and the iteration's losses. */
async function gateGradient(
  { net, form, loss, costs, options }: Training,
  keep: Float32Array,
  batch: CalibrationBatch,
) {
  const count = net.units.length;
  const gates = gatesOf(net, (t, n) => keep[t * count + n] >= 0.5);
  const reference = float32(batch.latents.shape, batch.trajectory[net.steps]);
  let consistency = 0;
  const found = await form.gradient(
    { ...batch, gates },
    async (image) => {
      const results = await loss.run({ image, reference });
      consistency = results.loss.data[0] as number;
      return results[gradientOf("image")].data as Float32Array;
    },
    { segment: net.steps },
  );
  const sparsityLoss = gates.flat().reduce(
    (sum: number, gate, i) => sum + gate * costs[i % count],
    0,
  ) / (net.steps * count);
  const mean = costs.reduce((a, b) => a + b, 0) / count;
  const pressed = sparsityLoss / mean > options.stop;
  const gradient = new Float32Array(keep.length);
  for (let t = 1; t < net.steps; t++) {
    for (let n = 0; n < count; n++) {
      const skipped = n !== count - 1 && gates[t][count - 1] === 0;
      if (skipped) continue;
      const pressure = pressed
        ? options.alpha * costs[n] / (net.steps * count)
        : 0;
      gradient[t * count + n] = found.gates[t][n] + pressure;
    }
  }
  return { gradient, consistency, sparsityLoss: sparsityLoss / mean };
}

/**
 * Trains the pruner network and returns each gate's score, its probability of
 * being kept, `[T, N]`.
 *
 * @param place.checkpoint File from which a killed training goes on exactly.
 * @param place.note Takes both losses of each iteration.
 */
export async function trainScores(
  context: MethodContext,
  { checkpoint: path, note }: SearchPlace,
): Promise<Scores> {
  const { net, seed, search: { network: options } } = context;
  const { weightDecay, iterations, accumulate } = options;
  const batches = await context.calibration();
  const form = await context.form();
  const count = net.units.length;
  await using network = await openPrunerNetwork(
    net.steps * count,
    options.network,
    new TorchGenerator(seed),
  );
  const makeOptimizer = options.optimizer === "sgd" ? sgd : adamW;
  const optimizer = makeOptimizer(network.parameters.length, { weightDecay });
  const checkpoint = new TrainingCheckpoint(path, network, optimizer);
  const graph = consistencyLossGraph(options.consistency, {
    shape: batches[0].latents.shape,
    dataRange: 2,
    decode: options.space === "pictures" ? await context.decode() : undefined,
  });
  await using loss = await openSession(
    vjpGraph(graph, { wrt: ["image"], keep: ["loss"], seed: "ones" }),
  );
  const costs = options.gamma ? gateCosts(net) : Array<number>(count).fill(1);
  const training = { net, form, loss, costs, options };
  for (let i = await checkpoint.restore(); i < iterations; i++) {
    const keep = await network.keep();
    const cotangent = new Float32Array(keep.length);
    let [consistency, sparsityLoss] = [0, 0];
    for (let a = 0; a < accumulate; a++) {
      const batch = batches[(i * accumulate + a) % batches.length];
      const found = await gateGradient(training, keep, batch);
      found.gradient.forEach((g, k) => cotangent[k] += g / accumulate);
      consistency += found.consistency / accumulate;
      sparsityLoss = found.sparsityLoss;
    }
    const gradient = await network.gradient(cotangent);
    clipGradient(gradient, options.clip);
    const rate = cosineLearningRate(i, {
      peak: options.learningRate,
      total: iterations,
      warmUp: options.warmUp,
    });
    optimizer.update(network.parameters, gradient, rate);
    const losses = {
      "consistency loss": consistency,
      "sparsity loss": sparsityLoss,
    };
    note?.(i, losses);
    context.progress(i + 1, iterations, losses);
    await checkpoint.saveInTime(i + 1);
  }
  const keep = await network.keep();
  return Array.from(
    { length: net.steps },
    (_, t) => [...keep.slice(t * count, (t + 1) * count)],
  );
}

/** The pruner network's scores, one training for every budget; held features are used as they are. */
export const dipGo: Method = {
  name: "dip-go",
  settings: ["network", "fit"],
  searches: "by gradient",
  reads: ({ search: { network, fit } }) => ({ network, fit }),
  parts: ({ search: { network } }) => [{ name: "dip-go", reads: network }],
  searchCost: ({ net, search }) => networkTrainingCost(net, search.network),
  async fit(context, maxCost) {
    const { net, search: { network, fit } } = context;
    const scores = await context.once(
      "dip-go",
      (place) => trainScores(context, place),
      network,
    );
    return planned({ gates: fitBudget(net, scores, { maxCost, kind: fit }) });
  },
};
