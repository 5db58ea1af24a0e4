/**
 * Gradients of a loss over several small batches at once, each in a thread of
 * its own. The operators of an embedded model are too short to be shared among
 * cores: two cores on one batch are hardly faster than one.
 */
import type { FlatParameters } from "@dip-go/core/autodiff";
import type { Graph } from "@dip-go/core/onnx";
import type { Tensor } from "@dip-go/core/tensor";
import type {
  GradientAnswer,
  GradientRequest,
  OpenRequest,
} from "./gradient_worker.ts";

/** A loss, and its gradient in the layout of the parameters. */
export interface Gradient {
  readonly loss: number;
  readonly gradient: Float32Array;
}

type Feeds = Readonly<Record<string, Tensor>>;

/** The threads that compute gradients. Hold them with `await using`. */
export class GradientWorkers implements AsyncDisposable {
  /** @internal Use {@linkcode openGradientWorkers}. */
  constructor(private readonly workers: readonly Worker[]) {}

  /**
   * Returns the mean loss and gradient over batches; the number of workers does not change them.
   *
   * @throws {Error} If ONNX Runtime refuses a batch.
   */
  async run(
    parameters: Float32Array,
    batches: readonly Feeds[],
  ): Promise<Gradient> {
    const { length } = this.workers;
    const found: Gradient[] = [];
    await Promise.all(this.workers.map(async (worker, w) => {
      for (let i = w; i < batches.length; i += length) {
        const batch = batches[i];
        const answer = await ask(worker, {
          kind: "gradient",
          parameters,
          batch,
        });
        if (answer.kind === "gradient") found[i] = answer;
      }
    }));
    return mean(found);
  }

  /** Ends the threads. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers) worker.terminate();
    return Promise.resolve();
  }
}

/**
 * Starts the threads.
 *
 * @param graph A graph whose output "loss" is a scalar; its parameters need no data.
 * @param options.layout The layout of the graph's parameters.
 * @param options.batches The number of batches in a run; the threads are at most as many, and at most the cores.
 * @throws {Error} If the graph cannot be differentiated or opened.
 */
export async function openGradientWorkers(
  graph: Graph,
  { layout, batches }: { layout: FlatParameters; batches: number },
): Promise<GradientWorkers> {
  const cores = navigator.hardwareConcurrency;
  const count = Math.min(batches, cores);
  const threads = Math.floor(cores / count);
  const workers = Array.from(
    { length: count },
    () =>
      new Worker(new URL("./gradient_worker.ts", import.meta.url), {
        type: "module",
      }),
  );
  const opened = new GradientWorkers(workers);
  try {
    for (const worker of workers) {
      await ask(worker, { kind: "open", graph, layout, options: { threads } });
    }
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
  return opened;
}

function ask(
  worker: Worker,
  request: OpenRequest | GradientRequest,
): Promise<GradientAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<GradientAnswer>();
  worker.onmessage = ({ data }: MessageEvent<GradientAnswer>) =>
    data.kind === "error" ? reject(new Error(data.message)) : resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(request);
  return promise;
}

/** The mean over batches, summed in their order, so that rounding does not depend on the workers. */
function mean(parts: readonly Gradient[]): Gradient {
  const [{ gradient }, ...others] = parts;
  for (const other of others) {
    for (let i = 0; i < gradient.length; i++) gradient[i] += other.gradient[i];
  }
  const loss = parts.reduce((sum, part) => sum + part.loss, 0) / parts.length;
  if (parts.length > 1) {
    for (let i = 0; i < gradient.length; i++) gradient[i] /= parts.length;
  }
  return { loss, gradient };
}
