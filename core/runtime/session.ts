/**
 * ONNX Runtime sessions, our tensors in and out. The only file that imports
 * onnxruntime-node. Feeds are checked against the graph before the runtime
 * sees them; weights in files reach it as external data, without a copy.
 */
import * as ort from "onnxruntime-node";
import { describe, sameShape, sizeOf, type Tensor } from "../tensor.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { encodeModel, isExternal } from "../onnx/model_proto.ts";
import { withLinkedModel } from "./external_weights.ts";

/** Where a session computes. */
export type Device = "cpu" | "webgpu" | "cuda";

/** How a session runs. */
export interface SessionOptions {
  readonly device?: Device;
  /** CPU threads within an operator; all cores by default. */
  readonly threads?: number;
  /** Whether idle CPU threads busy-wait for work: faster alone, wasteful beside other processes. True by default. */
  readonly spinning?: boolean;
  /** Whether memory that a run frees on the CPU is kept for the next one: faster where runs are short. True by default. */
  readonly keepsMemory?: boolean;
  /** ONNX Runtime's graph optimisations; `all` by default. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
}

/** For one of many sessions that run in turn: their threads would busy-wait against each other. */
export const manySessions: SessionOptions = { spinning: false };

/** Only errors: the runtime's warnings are about optimisations it left out. */
const logSeverityLevel = 3;

/** A graph, loaded. Hold it with `await using`, or {@linkcode Session.close} it. */
export class Session implements AsyncDisposable {
  readonly graph: Graph;
  #runtime: ort.InferenceSession | null;

  /** @internal Use {@linkcode openSession}. */
  constructor(graph: Graph, runtime: ort.InferenceSession) {
    this.graph = graph;
    this.#runtime = runtime;
  }

  /**
   * Runs the graph once. Neither feeds nor results are copied on this side.
   *
   * @param feeds A tensor for every input of the graph, by name.
   * @returns Every output of the graph, by name.
   * @throws {RangeError} If an input is missing, unknown or of another shape.
   * @throws {TypeError} If an input has another dtype, or the session is closed.
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>> {
    if (!this.#runtime) {
      throw new TypeError(
        `Cannot run "${this.graph.name}": the session is closed`,
      );
    }
    checkFeeds(this.graph, feeds);
    const wrapped = Object.entries(feeds).map((
      [name, t],
    ) => [name, toRuntime(t)]);
    const results = await this.#runtime.run(Object.fromEntries(wrapped)).catch(
      (cause) => {
        throw new Error(
          `Cannot run "${this.graph.name}": ${messageOf(cause)}`,
          {
            cause,
          },
        );
      },
    );
    return Object.fromEntries(
      this.graph.outputs.map((output) => [
        output.name,
        fromRuntime(output, results[output.name]),
      ]),
    );
  }

  /** Releases the runtime's memory. A second call does nothing. */
  async close(): Promise<void> {
    const runtime = this.#runtime;
    this.#runtime = null;
    await runtime?.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Loads a graph into ONNX Runtime.
 *
 * Weights in memory travel inside the model. Weights in files are mapped from
 * there: see {@linkcode withLinkedModel}.
 *
 * @throws {RangeError} If an initializer has no data.
 * @throws {Error} If ONNX Runtime refuses the graph or lacks the device (the
 * message says what provides it); its error is the `cause`.
 */
export async function openSession(
  graph: Graph,
  options: SessionOptions = {},
): Promise<Session> {
  const { device = "cpu" } = options;
  const settings = runtimeOptions(options);
  const hasFiles = [...graph.initializers.values()].some(isExternal);
  const runtime = hasFiles
    ? withLinkedModel(
      graph,
      (model) => create(graph, device, createFrom(model, settings)),
    )
    : create(graph, device, createFrom(encodeModel(graph), settings));
  return new Session(graph, await runtime);
}

/** From an ONNX file's path or its bytes; the runtime's overloads take one or the other. */
function createFrom(
  model: string | Uint8Array,
  settings: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  return typeof model === "string"
    ? ort.InferenceSession.create(model, settings)
    : ort.InferenceSession.create(model, settings);
}

function runtimeOptions(
  options: SessionOptions,
): ort.InferenceSession.SessionOptions {
  const { device = "cpu", threads = navigator.hardwareConcurrency } = options;
  const { spinning = true, keepsMemory = true, optimization = "all" } = options;
  return {
    executionProviders: [device],
    executionMode: "sequential",
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimization,
    enableCpuMemArena: keepsMemory,
    logSeverityLevel,
    extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" } } },
  };
}

const howToGet: Readonly<Record<Device, string>> = {
  cpu: "",
  webgpu:
    "; it needs a GPU with a Vulkan, Metal or Direct3D 12 driver, and is not built for Linux arm64",
  cuda:
    "; it needs Linux x64, CUDA 12 and cuDNN 9, and the files that onnxruntime-node's install script (script/install.js) puts beside its libonnxruntime.so",
};

async function create(
  { name }: Graph,
  device: Device,
  runtime: Promise<ort.InferenceSession>,
): Promise<ort.InferenceSession> {
  try {
    return await runtime;
  } catch (cause) {
    const built = ort.listSupportedBackends().map((backend) => backend.name);
    throw new Error(
      `Cannot open a session for "${name}" on device "${device}" (this build has ${
        built.join(", ")
      })${howToGet[device]}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);

function checkFeeds(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
): void {
  const refuse = (what: string) => `Cannot run "${graph.name}": input ${what}`;
  const expected = new Map(graph.inputs.map((input) => [input.name, input]));
  for (const name of Object.keys(feeds)) {
    if (!expected.has(name)) {
      const names = [...expected.keys()].join(", ");
      throw new RangeError(refuse(`"${name}" is unknown, expected ${names}`));
    }
  }
  for (const [name, input] of expected) {
    const feed = feeds[name];
    const wanted = `expected ${describe(input)}`;
    if (!feed) throw new RangeError(refuse(`"${name}" is missing, ${wanted}`));
    const found = refuse(`"${name}" is ${describe(feed)}, ${wanted}`);
    if (feed.dtype !== input.dtype) throw new TypeError(found);
    if (!sameShape(feed.shape, input.shape)) throw new RangeError(found);
    if (feed.data.length !== sizeOf(feed.shape)) {
      const count = `but holds ${feed.data.length} elements`;
      throw new RangeError(refuse(`"${name}" is ${describe(feed)} ${count}`));
    }
  }
}

/** Deno's Node-API does not know the `Float16Array` that `ort.Tensor` would turn bit patterns into, so the binding gets them plain. */
function toRuntime({ dtype, shape, data }: Tensor): ort.Tensor {
  const plain = { type: dtype, dims: shape, data, location: "cpu" };
  return dtype === "float16"
    ? plain as unknown as ort.Tensor
    : new ort.Tensor(dtype, data as Float32Array, shape);
}

/** The runtime's float16 arrays are of their own class; ours are bit patterns. */
function fromRuntime({ dtype }: Value, { data, dims }: ort.Tensor): Tensor {
  const array = data as Float32Array;
  const bits = dtype === "float16"
    ? new Uint16Array(array.buffer, array.byteOffset, array.length)
    : array;
  return { dtype, shape: dims, data: bits };
}
