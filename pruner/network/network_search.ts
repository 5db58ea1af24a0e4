/**
 * DiP-GO's search (section 3.3, equation 3): the pruner network is trained by
 * gradient through the frozen sampler. Gates are hard on the way forward and
 * follow the softmax on the way back (straight-through); the loss is
 *
 *   L = L_c + α / (N T) Σ γ_k g_k    until the second term's mean falls to `stop`,
 *
 * then L_c alone. The scores it leaves serve every budget.
 */
import {
  adamW,
  clipGradient,
  cosineLearningRate,
  gradientOf,
  type Optimizer,
  sgd,
  vjpGraph,
} from "@dip-go/core/autodiff";
import { isFile } from "@dip-go/core/files";
import type { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import type { SuperNet } from "@dip-go/supernet/gates";
import type { TrainingForm } from "@dip-go/supernet/training";
import type {
  CalibrationBatch,
  SamplingSetup,
} from "../calibration/calibration.ts";
import {
  type ConsistencyLoss,
  consistencyLossGraph,
  type DecodePictures,
} from "./consistency_loss.ts";
import { gatesOf, type Scores } from "../budget/fit_budget.ts";
import { gateCosts } from "../budget/gate_costs.ts";
import {
  openPrunerNetwork,
  type PrunerNetwork,
  type PrunerNetworkOptions,
} from "./pruner_network.ts";

export interface NetworkSearchOptions {
  readonly network: PrunerNetworkOptions;
  readonly consistency: ConsistencyLoss;
  /** What L_c compares: pictures, as the paper does, or latents, which spares a latent model its decoder. */
  readonly space: "pictures" | "latents";
  /** α, the weight of the sparsity loss. */
  readonly alpha: number;
  /** Whether γ is the share of the cost that a gate saves, or 1 for all. */
  readonly gamma: boolean;
  /** Sparsity loss at which only L_c is left; the paper's is 0.2. */
  readonly stop: number;
  readonly iterations: number;
  readonly optimizer: "sgd" | "adamw";
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmUp: number;
  /** Largest norm of the parameters' gradient. */
  readonly clip: number;
  /** Batches whose gradients are averaged for one update. */
  readonly accumulate: number;
}

/** One iteration, for progress and curves. */
export interface SearchIteration {
  readonly iteration: number;
  readonly iterations: number;
  readonly consistency: number;
  /** Mean of γ g over all gates. */
  readonly sparsityLoss: number;
}

/** L_c and its gradient with respect to what the sampler leaves. */
async function openConsistency(
  kind: ConsistencyLoss,
  { shape, decode }: { shape: readonly number[]; decode?: DecodePictures },
) {
  const graph = consistencyLossGraph(kind, { shape, dataRange: 2, decode });
  const session = await openSession(
    vjpGraph(graph, { wrt: ["image"], keep: ["loss"], seed: "ones" }),
  );
  return {
    async at(image: Tensor<"float32">, reference: Float32Array) {
      const results = await session.run({
        image,
        reference: float32(shape, reference),
      });
      return {
        loss: results.loss.data[0] as number,
        gradient: results[gradientOf("image")].data as Float32Array,
      };
    },
    close: () => session.close(),
  };
}

/** Training state in one file: written at intervals, and read if it is there. */
class Checkpoint {
  /** When, and in how many milliseconds, the last one was saved. */
  #saved = -Infinity;
  #cost = 0;

  constructor(
    readonly path: string,
    readonly network: PrunerNetwork,
    readonly optimizer: Optimizer,
  ) {}

  /** The iteration to go on from. */
  async restore(): Promise<number> {
    if (!await isFile(this.path)) return 0;
    const file = openSafetensors(this.path);
    const read = async (name: string) =>
      (await file.read(name)).data as Float32Array;
    this.network.parameters.set(await read("parameters"));
    const moments: Record<string, Float32Array> = {};
    for (const name of Object.keys(this.optimizer.state().moments)) {
      moments[name] = await read(name);
    }
    this.optimizer.restore({ updates: Number(file.metadata.updates), moments });
    return Number(file.metadata.iteration);
  }

  /** Saves, unless that would take more than a twentieth of the time since the last one was saved. */
  async saveInTime(iteration: number): Promise<void> {
    const started = performance.now();
    if (started - this.#saved < 20 * this.#cost) return;
    await this.#save(iteration);
    this.#saved = performance.now();
    this.#cost = this.#saved - started;
  }

  async #save(iteration: number): Promise<void> {
    const { updates, moments } = this.optimizer.state();
    const vectors = { parameters: this.network.parameters, ...moments };
    const tensors = new Map(
      Object.entries(vectors).map((
        [name, data],
      ) => [name, float32([data.length], data)]),
    );
    const metadata = { iteration: String(iteration), updates: String(updates) };
    await writeSafetensors(this.path, tensors, { metadata });
  }
}

/** dL/dkeep of the gates `[M]` for one batch, and what the iteration reports. */
async function gateGradient(
  keep: Float32Array,
  { net, form, setup, batch, loss, costs, options }: {
    net: SuperNet;
    form: TrainingForm;
    setup: SamplingSetup;
    batch: CalibrationBatch;
    loss: Awaited<ReturnType<typeof openConsistency>>;
    costs: readonly number[];
    options: NetworkSearchOptions;
  },
): Promise<
  { gradient: Float32Array; consistency: number; sparsityLoss: number }
> {
  const count = net.units.length;
  const gates = gatesOf(net, (t, n) => keep[t * count + n] >= 0.5);
  let consistency = 0;
  const target = batch.trajectory[net.steps];
  const found = await form.gradient(
    { ...batch, ...setup, gates },
    async (image) => {
      const { loss: value, gradient } = await loss.at(image, target);
      consistency = value;
      return gradient;
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
  gates.forEach((row, t) => {
    if (t === 0) return;
    row.forEach((_, n) => {
      const skipped = n !== count - 1 && row[count - 1] === 0;
      if (skipped) return;
      const pressure = pressed
        ? options.alpha * costs[n] / (net.steps * count)
        : 0;
      gradient[t * count + n] = found.gates[t][n] + pressure;
    });
  });
  return { gradient, consistency, sparsityLoss: sparsityLoss / mean };
}

/**
 * Trains the pruner network and returns each gate's score, its probability of
 * being kept, `[T, N]`.
 *
 * @param tools.checkpoint File from which a killed search goes on exactly.
 * @param tools.decode In a latent space, what L_c's pictures are made by.
 */
export async function searchByNetwork(
  { net, form, setup, batches, random, checkpoint: path, decode }: {
    net: SuperNet;
    form: TrainingForm;
    setup: SamplingSetup;
    batches: readonly CalibrationBatch[];
    random: TorchGenerator;
    checkpoint: string;
    decode?: DecodePictures;
  },
  options: NetworkSearchOptions,
  onIteration: (iteration: SearchIteration) => void = () => {},
): Promise<Scores> {
  const count = net.units.length;
  await using network = await openPrunerNetwork(
    net.steps * count,
    options.network,
    random,
  );
  const { weightDecay, iterations, accumulate } = options;
  const size = network.parameters.length;
  const optimizer = options.optimizer === "sgd"
    ? sgd(size, { weightDecay })
    : adamW(size, { weightDecay });
  const checkpoint = new Checkpoint(path, network, optimizer);
  const costs = options.gamma ? gateCosts(net) : Array<number>(count).fill(1);
  const loss = await openConsistency(options.consistency, {
    shape: batches[0].latents.shape,
    decode: options.space === "pictures" ? decode : undefined,
  });
  try {
    for (let i = await checkpoint.restore(); i < iterations; i++) {
      const keep = await network.keep();
      const cotangent = new Float32Array(keep.length);
      let report = { consistency: 0, sparsityLoss: 0 };
      for (let a = 0; a < accumulate; a++) {
        const batch = batches[(i * accumulate + a) % batches.length];
        const found = await gateGradient(keep, {
          net,
          form,
          setup,
          batch,
          loss,
          costs,
          options,
        });
        found.gradient.forEach((g, k) => cotangent[k] += g / accumulate);
        report = {
          consistency: report.consistency + found.consistency / accumulate,
          sparsityLoss: found.sparsityLoss,
        };
      }
      const gradient = await network.gradient(cotangent);
      clipGradient(gradient, options.clip);
      const rate = cosineLearningRate(i, {
        peak: options.learningRate,
        total: iterations,
        warmUp: options.warmUp,
      });
      optimizer.update(network.parameters, gradient, rate);
      onIteration({ iteration: i, iterations, ...report });
      await checkpoint.saveInTime(i + 1);
    }
    const keep = await network.keep();
    return Array.from(
      { length: net.steps },
      (_, t) => [...keep.slice(t * count, (t + 1) * count)],
    );
  } finally {
    await loss.close();
  }
}
