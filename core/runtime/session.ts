/**
 * ONNX Runtime sessions, our tensors in and out. The only file that imports
 * onnxruntime-node. Feeds are checked against the graph before the runtime
 * sees them; weights in files reach it as external data, without a copy.
 */
import * as ort from "onnxruntime-node";
import {
  arrayOf,
  describe,
  type DType,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor/tensor.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { halfPrecision } from "./half_precision.ts";
import { encodeModel, isExternal } from "../onnx/file/model_proto.ts";
import { winogradGraph } from "../onnx/rewrites/winograd.ts";
import { withLinkedModel } from "./external_weights.ts";
import { type OffDeviceNode, profiledNodes } from "./profiled_nodes.ts";
import { webgpuGraph } from "./webgpu_graph.ts";
import { probeWebgpu, type WebgpuProbe } from "./webgpu_probe.ts";

export const devices = ["cpu", "webgpu", "cuda"] as const;

/** Where a session computes. */
export type Device = typeof devices[number];

export const precisions = ["float32", "float16"] as const;

/** How weights are stored and products computed; norms, softmax and timesteps are float32 always. */
export type Precision = typeof precisions[number];

/** How a session runs. */
export interface SessionOptions {
  readonly device?: Device;
  /** float32 by default. */
  readonly precision?: Precision;
  /** CPU threads within an operator; all cores by default. */
  readonly threads?: number;
  /** Whether memory that a run frees on the CPU is kept for the next one: faster where runs are short. True by default. */
  readonly keepsMemory?: boolean;
  /** Whether products keep a copy of their weights in the layout that they like: faster, but where many nodes read one weight, as in an unrolled graph, a copy each. True by default. */
  readonly prepacks?: boolean;
  /** How a CPU computes large 3x3 convolutions. `winograd` by default: about twice as fast, and rounds to 1e-5 of the largest output, not 1e-6. */
  readonly convolution?: "winograd" | "direct";
  /** ONNX Runtime's graph optimisations; `all` by default. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
}

/** A session's own options, besides those that many share. */
export interface OpenOptions extends SessionOptions {
  /** Outputs that stay where they are computed: `runKeeping` returns them so. None by default. */
  readonly kept?: readonly string[];
}

/** Only errors: the runtime's warnings are about optimisations it left out. */
const logSeverityLevel = 3 as const;

/** Not even errors, which are thrown as well. */
const silent = 4 as const;

/**
 * A tensor on the device that computed it. It can be fed to any session there,
 * and its memory is the device's until {@linkcode DeviceTensor.dispose}.
 */
export class DeviceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** @internal The runtime's handle. Never to be read: that aborts the process. */
  readonly handle: ort.Tensor;

  /** @internal Use {@linkcode Session.runKeeping}. */
  constructor({ dtype, shape }: Value, handle: ort.Tensor) {
    this.dtype = dtype;
    this.shape = shape;
    this.handle = handle;
  }

  /** Gives the memory back; no session may read the tensor afterwards. */
  dispose(): void {
    this.handle.dispose();
  }
}

/** A tensor here or on a device. */
export type PlacedTensor = Tensor | DeviceTensor;

/** What a session reads. */
export type Feeds = Readonly<Record<string, PlacedTensor>>;

/** What a session that keeps outputs leaves: kept ones on their device, which on a CPU is here. */
export interface KeptResults {
  readonly outputs: Record<string, Tensor>;
  readonly kept: Record<string, PlacedTensor>;
}

/** A graph, loaded. Hold it with `await using`, or {@linkcode Session.close} it. */
export class Session implements AsyncDisposable {
  readonly graph: Graph;
  #runtime: ort.InferenceSession | null;
  readonly #kept: ReadonlySet<string>;

  /** @internal Use {@linkcode openSession}. */
  constructor(
    graph: Graph,
    runtime: ort.InferenceSession,
    kept: readonly string[] = [],
  ) {
    this.graph = graph;
    this.#runtime = runtime;
    this.#kept = new Set(kept);
  }

  /**
   * Runs the graph once. Neither feeds nor results are copied on this side.
   *
   * @param feeds A tensor for every input of the graph, by name.
   * @returns Every output of the graph that is not kept, by name.
   * @throws {RangeError} If an input is missing, unknown or of another shape.
   * @throws {TypeError} If an input has another dtype, or the session is closed.
   */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    return (await this.runKeeping(feeds)).outputs;
  }

  /** As {@linkcode Session.run}, with what the session keeps; the caller disposes of it. */
  async runKeeping(feeds: Feeds): Promise<KeptResults> {
    const results = await this.#results(feeds);
    const outputs: Record<string, Tensor> = {};
    const kept: Record<string, PlacedTensor> = {};
    for (const output of this.graph.outputs) {
      const { name } = output;
      const result = results[name];
      if (!this.#kept.has(name)) outputs[name] = fromRuntime(output, result);
      else {
        kept[name] = result.location === "gpu-buffer"
          ? new DeviceTensor(output, result)
          : fromRuntime(output, result);
      }
    }
    return { outputs, kept };
  }

  /**
   * As {@linkcode Session.run}, on a CPU into tensors that are there: memory that
   * is used again is faster to write to than new.
   *
   * @param outputs A tensor for every output of the graph, by name.
   */
  async runInto(
    feeds: Feeds,
    outputs: Readonly<Record<string, Tensor>>,
  ): Promise<void> {
    const fetches = Object.entries(outputs).map((
      [name, t],
    ) => [name, toRuntime(t)]);
    await this.#results(feeds, Object.fromEntries(fetches));
  }

  async #results(
    feeds: Feeds,
    fetches?: Record<string, ort.Tensor>,
  ): Promise<Record<string, ort.Tensor>> {
    const { name } = this.graph;
    if (!this.#runtime) {
      throw new TypeError(`Cannot run "${name}": the session is closed`);
    }
    checkFeeds(this.graph, feeds);
    const wrapped = Object.entries(feeds).map((
      [name, t],
    ) => [name, toRuntime(t)]);
    try {
      const own = Object.fromEntries(wrapped);
      const results = fetches
        ? await this.#runtime.run(own, fetches)
        : await this.#runtime.run(own);
      return results as Record<string, ort.Tensor>;
    } catch (cause) {
      throw new Error(`Cannot run "${name}": ${messageOf(cause)}`, { cause });
    }
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
 * there: see {@linkcode withLinkedModel}. On a device every operator is placed
 * there; where one cannot be, a warning lists it, once a process.
 *
 * @throws {RangeError} If an initializer has no data, or a weight does not fit in float16.
 * @throws {TypeError} If the device does not compute in the precision.
 * @throws {Error} If ONNX Runtime refuses the graph or lacks the device (the
 * message says what provides it); its error is the `cause`.
 */
export async function openSession(
  graph: Graph,
  options: OpenOptions = {},
): Promise<Session> {
  const { device = "cpu", kept } = options;
  const own = await deviceGraph(graph, options);
  const settings = runtimeOptions(own, options);
  if (device === "cpu") {
    return new Session(graph, await load(own, device, settings), kept);
  }
  try {
    const runtime = await load(own, device, strict(settings));
    return new Session(graph, runtime, kept);
  } catch (error) {
    if (!fellBack(error)) throw error;
    const runtime = await load(own, device, settings);
    await warnOffDevice(own, options);
    return new Session(graph, runtime, kept);
  }
}

/** The graph as its device computes it: in its precision, of operators that the device has. */
async function deviceGraph(
  graph: Graph,
  options: SessionOptions,
): Promise<Graph> {
  const { device = "cpu", precision, convolution = "winograd" } = options;
  await checkPrecision(options, `open a session for "${graph.name}"`);
  const own = precision === "float16" ? halfPrecision(graph) : graph;
  if (device === "cpu" && convolution === "winograd") return winogradGraph(own);
  return device === "webgpu" ? webgpuGraph(own, await webgpuTraits()) : own;
}

/**
 * Checks before long work what {@linkcode openSession} would refuse.
 *
 * @param task What cannot be done otherwise, for the error.
 * @throws {TypeError} If the device does not compute in the precision.
 */
export async function checkPrecision(
  { device, precision }: SessionOptions,
  task: string,
): Promise<void> {
  if (precision !== "float16" || device !== "webgpu") return;
  if ((await webgpuTraits()).float16) return;
  throw new TypeError(
    `Cannot ${task} on device "webgpu" in float16: this GPU or its driver has no 16-bit shaders (shader-f16), expected precision float32`,
  );
}

let probed: Promise<WebgpuProbe> | undefined;

/** Found out once a process. */
const webgpuTraits = (): Promise<WebgpuProbe> =>
  probed ??= probeWebgpu(async (graph, device, feeds) => {
    const settings = runtimeOptions(graph, { device, threads: 1 });
    const runtime = await load(graph, device, {
      ...settings,
      logSeverityLevel: silent,
    });
    await using session = new Session(graph, runtime);
    return await session.run(feeds);
  });

/** With no operator left to the CPU; the runtime's own line about one that would be is ours to write. */
const strict = (
  { extra, ...settings }: RuntimeOptions,
): ort.InferenceSession.SessionOptions => ({
  ...settings,
  logSeverityLevel: silent,
  extra: { session: { ...extra.session, disable_cpu_ep_fallback: "1" } },
});

/** Whether a strict session was refused because of an operator that the device lacks. */
const fellBack = (error: unknown): boolean =>
  messageOf(error).includes("fallback to CPU EP has been explicitly disabled");

/**
 * Nodes of a graph that its device does not compute, after the runtime's own
 * optimisations: the runtime is asked, which may take a run on zeros.
 *
 * @throws As {@linkcode openSession}.
 */
export async function nodesOffDevice(
  graph: Graph,
  options: SessionOptions,
): Promise<OffDeviceNode[]> {
  const { device = "cpu" } = options;
  if (device === "cpu") return [];
  const own = await deviceGraph(graph, options);
  try {
    const settings = strict(runtimeOptions(own, options));
    await (await load(own, device, settings)).release();
    return [];
  } catch (error) {
    if (!fellBack(error)) throw error;
    return await offDevice(own, options);
  }
}

/** As a profile of a run on zeros tells. */
function offDevice(
  own: Graph,
  options: SessionOptions,
): Promise<OffDeviceNode[]> {
  const { device = "cpu" } = options;
  const settings = runtimeOptions(own, options);
  return profiledNodes(async (profile) => {
    const runtime = await load(own, device, { ...settings, ...profile });
    await using session = new Session(own, runtime);
    await session.run(zeroFeeds(own));
    runtime.endProfiling();
  }, providers[device]);
}

/** As ONNX Runtime's profiles name them. */
const providers: Readonly<Record<Device, string>> = {
  cpu: "CPUExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cuda: "CUDAExecutionProvider",
};

const zeroFeeds = ({ inputs }: Graph): Record<string, Tensor> =>
  Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => [
      name,
      { dtype, shape, data: new arrayOf[dtype](sizeOf(shape)) },
    ]),
  );

let warned = false;

async function warnOffDevice(
  own: Graph,
  options: SessionOptions,
): Promise<void> {
  if (warned) return;
  warned = true;
  const nodes = await offDevice(own, options);
  const list = nodes.map(({ name, op }) => `${op} (${name})`).join(", ");
  console.warn(
    `Warning: ${options.device} does not compute every operator of "${own.name}"; on the CPU run ${list}`,
  );
}

/** From weights in files or in memory. */
function load(
  graph: Graph,
  device: Device,
  settings: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  const hasFiles = [...graph.initializers.values()].some(isExternal);
  return hasFiles
    ? withLinkedModel(
      graph,
      (model) => create(graph, device, createFrom(model, settings)),
    )
    : create(graph, device, createFrom(encodeModel(graph), settings));
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

/** As ONNX Runtime takes them; settings without a field of their own are in `extra`. */
type RuntimeOptions = ort.InferenceSession.SessionOptions & {
  readonly extra: { readonly session: Readonly<Record<string, unknown>> };
};

function runtimeOptions(
  { outputs }: Graph,
  options: OpenOptions,
): RuntimeOptions {
  const { device = "cpu", threads = navigator.hardwareConcurrency } = options;
  const { keepsMemory = true, optimization = "all" } = options;
  const { prepacks = true, kept = [] } = options;
  const flag = (on: boolean) => on ? "1" : "0";
  return {
    executionProviders: [device],
    executionMode: "sequential",
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimization,
    enableCpuMemArena: keepsMemory,
    logSeverityLevel,
    extra: {
      session: {
        // Idle threads wait busily for the next operator, which is faster, but
        // not for the next run: those of many sessions would be in each other's way.
        intra_op: { allow_spinning: "1" },
        force_spinning_stop: "1",
        disable_prepacking: flag(!prepacks),
      },
    },
    ...device === "webgpu" && kept.length > 0
      ? { preferredOutputLocation: locations(outputs, kept) }
      : {},
  };
}

const locations = (
  outputs: readonly Value[],
  kept: readonly string[],
): Record<string, "gpu-buffer" | "cpu"> =>
  Object.fromEntries(
    outputs.map(({ name }) => [
      name,
      kept.includes(name) ? "gpu-buffer" : "cpu",
    ]),
  );

const howToGet: Readonly<Record<Device, string>> = {
  cpu: "",
  webgpu:
    "; it needs a GPU with a Vulkan, Metal or Direct3D 12 driver, and is not built for Linux arm64",
  cuda:
    "; it needs Linux x64, CUDA 12 and cuDNN 9, and the provider's libraries beside libonnxruntime.so.1 (docs/gpu.md)",
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

function checkFeeds(graph: Graph, feeds: Feeds): void {
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
    if (feed instanceof DeviceTensor) continue;
    if (feed.data.length !== sizeOf(feed.shape)) {
      const count = `but holds ${feed.data.length} elements`;
      throw new RangeError(refuse(`"${name}" is ${describe(feed)} ${count}`));
    }
  }
}

/** Deno's Node-API does not know the `Float16Array` that `ort.Tensor` would turn bit patterns into, so the binding gets them plain. */
function toRuntime(feed: PlacedTensor): ort.Tensor {
  if (feed instanceof DeviceTensor) return feed.handle;
  const { dtype, shape, data } = feed;
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
