/**
 * Trains any graph with a scalar output "loss" by our own autodiff: AdamW,
 * warm-up and cosine, clipping, a moving average of the weights, a log, and
 * checkpoints from which a killed run resumes exactly.
 */
import {
  adamW,
  clipGradient,
  cosineLearningRate,
  type FlatParameters,
  flatten,
  layOut,
  type Optimizer,
  updateAverage,
  viewsOf,
} from "@dip-go/core/autodiff";
import { isFile } from "@dip-go/core/files";
import type { Graph } from "@dip-go/core/onnx";
import { float32, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import { openGradientWorkers } from "./gradient_workers.ts";
import { SplitMix32 } from "../data/uniform.ts";

export interface TrainingOptions {
  readonly seed: number;
  readonly updates: number;
  readonly peakLearningRate: number;
  readonly warmUp: number;
  readonly weightDecay: number;
  /** Largest global gradient norm. */
  readonly clip: number;
  /** Decay of the moving average of the weights. */
  readonly averageDecay: number;
  /** Updates between checkpoints. */
  readonly checkpointEvery: number;
  /** The number of batches in an update, each computed on its own core; 1 by default. */
  readonly batches?: number;
}

/** The settings of a training task. */
export interface TaskSettings {
  readonly updates: number;
  readonly seed: number;
  /** The model's folder, which may already hold parts of the model. */
  readonly folder: string;
  /** The folder of a model to train further, for tasks that can. */
  readonly from?: string;
  /** Whether the model of `from` first gets a place code: `place_code.ts`. */
  readonly marksPlaces?: boolean;
}

export interface TrainingTask {
  readonly name: string;
  /** Parameters need no data; output "loss" is a scalar; inputs come from `batch`. */
  readonly graph: Graph;
  readonly options: TrainingOptions;
  /** Initial parameters by name. */
  readonly initial: ReadonlyMap<string, Tensor>;
  /** Draws the next batch; `uniform` is its only source of randomness. */
  batch(
    uniform: () => number,
  ): Record<string, Tensor> | Promise<Record<string, Tensor>>;
  /** Releases the resources of `batch`; called when the training ends. */
  close?(): Promise<void>;
  /** Called at every checkpoint with the averaged weights. */
  inspect?(
    average: Readonly<Record<string, Tensor<"float32">>>,
    update: number,
  ): Promise<void>;
}

/** One line of `log.jsonl`: averages over the updates since the line before. */
export interface LogLine {
  readonly update: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Wall-clock seconds of training so far, over all runs. */
  readonly seconds: number;
}

/** The values that change during training. */
interface TrainingState {
  readonly parameters: Float32Array;
  readonly average: Float32Array;
  readonly optimizer: Optimizer;
  readonly random: SplitMix32;
  update: number;
  seconds: number;
}

const logEvery = 50;

function parametersOf(graph: Graph): [string, readonly number[]][] {
  return [...graph.initializers.values()]
    .filter((i) => i.role === "parameter")
    .map(({ name, shape }) => [name, shape]);
}

/** 1 for each parameter with weight decay: matrices and kernels, but not biases, norms and other vectors. */
function decaysOf({ slots, size }: FlatParameters): Uint8Array {
  const decays = new Uint8Array(size);
  for (const { shape, offset } of slots) {
    if (shape.length > 1) decays.fill(1, offset, offset + sizeOf(shape));
  }
  return decays;
}

function start(
  layout: FlatParameters,
  { initial, options }: TrainingTask,
): TrainingState {
  const parameters = flatten(layout, Object.fromEntries(initial));
  const { weightDecay, seed } = options;
  return {
    parameters,
    average: parameters.slice(),
    optimizer: adamW(layout.size, {
      weightDecay,
      decays: decaysOf(layout),
      beta2: 0.99,
    }),
    random: new SplitMix32(seed),
    update: 0,
    seconds: 0,
  };
}

async function saveCheckpoint(
  path: string,
  state: TrainingState,
): Promise<void> {
  const { parameters, average, optimizer, random, update, seconds } = state;
  const { moments } = optimizer.state();
  const vectors = { parameters, average, ...moments };
  const tensors = new Map(
    Object.entries(vectors).map((
      [name, data],
    ) => [name, float32([data.length], data)]),
  );
  const metadata = {
    update: String(update),
    random: String(random.state),
    seconds: String(seconds),
  };
  await writeSafetensors(path, tensors, { metadata });
}

function restoreCheckpoint(path: string, state: TrainingState): void {
  const file = openSafetensors(path);
  const vector = (name: string) => file.read(name).data as Float32Array;
  state.parameters.set(vector("parameters"));
  state.average.set(vector("average"));
  const moments = {
    first: vector("first"),
    second: vector("second"),
  };
  state.update = Number(file.metadata.update);
  state.seconds = Number(file.metadata.seconds);
  state.random.state = Number(file.metadata.random);
  state.optimizer.restore({ updates: state.update, moments });
}

/** Drops the log lines after the checkpoint: those updates are made again. */
async function rewindLog(path: string, update: number): Promise<void> {
  if (!await isFile(path)) return;
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) =>
    line !== ""
  );
  const kept = lines.filter((line) => {
    try {
      return (JSON.parse(line) as LogLine).update <= update;
    } catch {
      return false; // the last line of a killed run may be cut
    }
  });
  await Deno.writeTextFile(path, kept.map((line) => line + "\n").join(""));
}

/**
 * Runs a task to its last update, from the checkpoint in `folder` if there is one.
 *
 * @param folder Holds `checkpoint.safetensors` and `log.jsonl`; made if missing.
 * @returns The averaged weights.
 * @throws {Error} If the loss stops being finite; the last checkpoint is kept.
 */
export async function train(
  task: TrainingTask,
  folder: string,
): Promise<Readonly<Record<string, Tensor<"float32">>>> {
  const { options } = task;
  const layout = layOut(parametersOf(task.graph));
  const state = start(layout, task);
  const checkpoint = `${folder}/checkpoint.safetensors`;
  const log = `${folder}/log.jsonl`;
  await Deno.mkdir(folder, { recursive: true });
  if (await isFile(checkpoint)) restoreCheckpoint(checkpoint, state);
  await rewindLog(log, state.update);

  const { batches = 1 } = options;
  await using workers = await openGradientWorkers(task.graph, {
    layout,
    batches,
  });
  const average = viewsOf(layout, state.average);
  let sums = { loss: 0, norm: 0, count: 0 };
  try {
    while (state.update < options.updates) {
      const started = performance.now();
      const learningRate = cosineLearningRate(state.update, {
        peak: options.peakLearningRate,
        total: options.updates,
        warmUp: options.warmUp,
      });
      const drawn: Record<string, Tensor>[] = [];
      for (let i = 0; i < batches; i++) {
        drawn.push(await task.batch(state.random.uniform));
      }
      const { loss, gradient } = await workers.run(state.parameters, drawn);
      const norm = clipGradient(gradient, options.clip);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
        throw new Error(
          `Cannot go on training "${task.name}": at update ${state.update} the loss is ${loss} and the gradient norm ${norm}; the last checkpoint is ${checkpoint}`,
        );
      }
      state.optimizer.update(state.parameters, gradient, learningRate);
      updateAverage(state.average, state.parameters, {
        decay: options.averageDecay,
        update: state.update,
      });
      state.update++;
      state.seconds += (performance.now() - started) / 1000;
      sums = {
        loss: sums.loss + loss,
        norm: sums.norm + norm,
        count: sums.count + 1,
      };
      if (state.update % logEvery === 0) {
        const line: LogLine = {
          update: state.update,
          loss: sums.loss / sums.count,
          gradientNorm: sums.norm / sums.count,
          learningRate,
          seconds: Math.round(state.seconds),
        };
        await Deno.writeTextFile(log, JSON.stringify(line) + "\n", {
          append: true,
        });
        report(task.name, line, options.updates);
        sums = { loss: 0, norm: 0, count: 0 };
      }
      if (
        state.update % options.checkpointEvery === 0 ||
        state.update === options.updates
      ) {
        await saveCheckpoint(checkpoint, state);
        await task.inspect?.(average, state.update);
      }
    }
  } finally {
    await task.close?.();
  }
  return average;
}

function report(name: string, line: LogLine, updates: number): void {
  const left = line.seconds / line.update * (updates - line.update) / 60;
  console.log(
    `${name}  ${line.update}/${updates}  loss ${line.loss.toFixed(4)}  |g| ${
      line.gradientNorm.toFixed(3)
    }  lr ${line.learningRate.toExponential(2)}  ${left.toFixed(0)} min left`,
  );
}
