/**
 * The training of DiP-GO's pruner network (section 3.3, equation 3), by gradient
 * through the frozen sampler. Gates are hard on the way forward and follow the
 * softmax on the way back (straight-through); the loss is
 *
 *   L = L_c + α L_s    while the measure of L_s is above `stop`,
 *
 * and L_c alone otherwise.
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
import {
  denseCost,
  type Gates,
  OpenGates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import type { TrainingForm } from "@dip-go/supernet/training";
import { gatesOf, type Scores } from "../budget/fit_budget.ts";
import type { CalibrationBatch } from "../calibration.ts";
import type { MethodContext, SearchPlace } from "../method.ts";
import { range, rowsOf } from "../numbers.ts";
import type { NetworkSearchOptions } from "../search_settings.ts";
import { consistencyLossGraph } from "./consistency_loss.ts";
import { openPrunerNetwork } from "./pruner_network.ts";
import { type SparsityLoss, sparsityLoss } from "./sparsity_loss.ts";
import { TrainingCheckpoint } from "./training_checkpoint.ts";

interface Training {
  readonly net: SuperNet;
  /** The number of units with a gate of their own; a whole step without one is always open. */
  readonly count: number;
  readonly form: TrainingForm;
  /** The session from `image` and `reference` to `loss` and its gradient with respect to `image`. */
  readonly loss: Session;
  readonly sparsity: SparsityLoss;
  readonly options: NetworkSearchOptions;
}

/** Computes dL_c/dkeep of the gates `[M]` for one batch, and L_c. */
async function consistencyGradient(
  { net, count, form, loss }: Training,
  gates: Gates,
  batch: CalibrationBatch,
) {
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
  const gradient = found.gates.flatMap((row) => row.slice(0, count));
  return { gradient, consistency };
}

/** Computes dL/dkeep of the gates `[M]` over batches, and the losses. */
async function gateGradient(
  training: Training,
  keep: Float32Array,
  batches: readonly CalibrationBatch[],
) {
  const { net, count, sparsity, options } = training;
  const kept = gatesOf(net, (t, n) => n >= count || keep[t * count + n] >= 0.5);
  const gates = new OpenGates(net, kept, options);
  const measured = sparsity.measured(kept);
  const gradient = new Float32Array(keep.length);
  let consistency = 0;
  for (const batch of batches) {
    const found = await consistencyGradient(training, gates.gates, batch);
    consistency += found.consistency / batches.length;
    for (let t = 1; t < net.steps; t++) {
      const called = kept[t].at(-1) === 1;
      for (let n = 0; n < count; n++) {
        // If a step's prediction is held, only the whole step's gate gets a gradient.
        if (!called && n !== net.units.length - 1) continue;
        const i = t * count + n;
        const pressure = measured > options.stop ? sparsity.pressure[n] : 0;
        gradient[i] += (found.gradient[i] + pressure) / batches.length;
      }
    }
  }
  return {
    gradient,
    losses: {
      "consistency loss": consistency,
      "sparsity loss": measured,
      "kept cost": gates.cost / denseCost(net),
    },
  };
}

/**
 * Trains the pruner network and returns each gate's score, its probability of
 * being kept, `[T, N]`, without the whole step if it has no gate.
 *
 * @param place.checkpoint The file from which a killed training goes on exactly.
 * @param place.note Takes both losses of each iteration, and the share of the cost that its gates keep.
 */
export async function trainScores(
  context: MethodContext,
  options: NetworkSearchOptions,
  { checkpoint: path, note }: SearchPlace,
): Promise<Scores> {
  const { net, seed } = context;
  const { weightDecay, iterations, accumulate } = options;
  const batches = await context.calibration();
  const form = await context.form();
  const count = net.units.length - (options.wholeStep ? 0 : 1);
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
  const sparsity = sparsityLoss(net, options, count);
  const training = { net, count, form, loss, sparsity, options };
  for (let i = await checkpoint.restore(); i < iterations; i++) {
    const drawn = range(accumulate)
      .map((a) => batches[(i * accumulate + a) % batches.length]);
    const keep = await network.keep();
    const { gradient, losses } = await gateGradient(training, keep, drawn);
    const update = await network.gradient(gradient);
    clipGradient(update, options.clip ?? Infinity);
    const rate = cosineLearningRate(i, {
      peak: options.learningRate,
      total: iterations,
      warmUp: options.warmUp,
    });
    optimizer.update(network.parameters, update, rate);
    note?.(i, losses);
    context.progress(i + 1, iterations, losses);
    await checkpoint.saveInTime(i + 1);
  }
  const keep = await network.keep();
  return rowsOf(keep, net.steps).map((row) => [...row]);
}
