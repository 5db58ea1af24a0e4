/**
 * Sessions: a graph on a device, tensors in and out. A device gets the graph in
 * the session's precision and with operators that the device has; feeds are
 * checked before the runtime sees them.
 */
import type { Graph } from "../onnx/graph.ts";
import { outside } from "../onnx/loops/loop_names.ts";
import { winogradGraph } from "../onnx/rewrites/winograd.ts";
import { type Tensor, zeros } from "../tensor/tensor.ts";
import {
  checkFeeds,
  DeviceTensor,
  type Feeds,
  type PlacedTensor,
} from "./feeds.ts";
import { inPrecision } from "./in_precision.ts";
import {
  fromRuntime,
  load,
  messageOf,
  providers,
  type RuntimeSession,
  type RuntimeTensor,
  toRuntime,
} from "./onnx_runtime.ts";
import { type OffDeviceNode, profiledNodes } from "./profiled_nodes.ts";
import {
  devices,
  type OpenOptions,
  precisions,
  type SessionOptions,
} from "./session_options.ts";
import { widensEachRun } from "./widening.ts";
import { webgpuGraph } from "./webgpu_graph.ts";
import { probeWebgpu, type WebgpuProbe } from "./webgpu_probe.ts";

/** The results of a session that keeps outputs: `kept` are on the device, on a CPU tensors of the host. */
export interface KeptResults {
  readonly outputs: Record<string, Tensor>;
  readonly kept: Record<string, PlacedTensor>;
}

/** A loaded graph. Hold it with `await using`, or {@linkcode Session.close} it. */
export class Session implements AsyncDisposable {
  #runtime: RuntimeSession | null;

  /** @internal Use {@linkcode openSession}. */
  constructor(
    readonly graph: Graph,
    runtime: RuntimeSession,
    private readonly kept: readonly string[] = [],
  ) {
    this.#runtime = runtime;
  }

  /**
   * Runs the graph once. JavaScript copies neither feeds nor results.
   *
   * @param feeds A tensor for every input of the graph, by name.
   * @returns Every output of the graph that is not kept, by name.
   * @throws {RangeError} If an input is missing, unknown or of another shape.
   * @throws {TypeError} If an input has another dtype, or the session is closed.
   */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    return (await this.runKeeping(feeds)).outputs;
  }

  /** As {@linkcode Session.run}, with the kept outputs too, which the caller disposes of. */
  async runKeeping(feeds: Feeds): Promise<KeptResults> {
    const results = await this.#results(feeds);
    const outputs: Record<string, Tensor> = {};
    const kept: Record<string, PlacedTensor> = {};
    for (const output of this.graph.outputs) {
      const { name } = output;
      const result = results[name];
      if (!this.kept.includes(name)) {
        outputs[name] = fromRuntime(output, result);
      } else {
        kept[name] = result.location === "gpu-buffer"
          ? new DeviceTensor(output, result)
          : fromRuntime(output, result);
      }
    }
    return { outputs, kept };
  }

  /**
   * As {@linkcode Session.run} on a CPU, but writes the results into given tensors:
   * memory that is used again is faster to write to than new memory.
   *
   * @param outputs A tensor for every output of the graph, by name.
   */
  async runInto(
    feeds: Feeds,
    outputs: Readonly<Record<string, Tensor>>,
  ): Promise<void> {
    await this.#results(feeds, allToRuntime(outputs));
  }

  async #results(
    feeds: Feeds,
    fetches?: Record<string, RuntimeTensor>,
  ): Promise<Record<string, RuntimeTensor>> {
    const { name } = this.graph;
    if (!this.#runtime) {
      throw new TypeError(`Cannot run "${name}": the session is closed`);
    }
    checkFeeds(this.graph, feeds);
    const own = allToRuntime(feeds);
    try {
      const results = fetches
        ? await this.#runtime.run(own, fetches)
        : await this.#runtime.run(own);
      return results as Record<string, RuntimeTensor>;
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

const allToRuntime = (tensors: Feeds): Record<string, RuntimeTensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, each]) => [name, toRuntime(each)]),
  );

/**
 * Loads a graph into ONNX Runtime.
 *
 * Weights in memory travel inside the model. Weights in files are mapped from
 * there: see `withLinkedModel`. On a GPU every operator is to run there; a warning
 * lists the operators that cannot, once a process.
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
  const opened = (runtime: RuntimeSession) =>
    new Session({ ...graph, ...outside(graph) }, runtime, kept);
  if (device === "cpu") return opened(await load(own, options));
  const whole = await loadWhole(own, options);
  if (whole) return opened(whole);
  const runtime = await load(own, options);
  await warnOffDevice(own, options);
  return opened(runtime);
}

/** The graph for the device: in the session's precision, with operators that the device has. */
async function deviceGraph(
  graph: Graph,
  options: SessionOptions,
): Promise<Graph> {
  const { device = "cpu", convolution = "winograd" } = options;
  await checkPrecision(options, `open a session for "${graph.name}"`);
  const own = inPrecision(graph, options);
  // Filters that are widened at each run would be transformed at each run.
  const isDirect = convolution === "direct" || widensEachRun(own, options);
  if (device === "cpu" && !isDirect) return winogradGraph(own);
  return device === "webgpu" ? webgpuGraph(own, await webgpuTraits()) : own;
}

/**
 * Refuses before long work a precision that {@linkcode openSession} would refuse.
 *
 * @param task The work, for the error: "sample".
 * @throws {TypeError} If the device or the precision is unknown, or the device does not compute in it.
 */
export async function checkPrecision(
  { device = "cpu", precision = "float32" }: SessionOptions,
  task: string,
): Promise<void> {
  refuseUnknown(task, "device", device, devices);
  refuseUnknown(task, "precision", precision, precisions);
  if (precision === "int8" && device !== "cpu") {
    throw new TypeError(
      `Cannot ${task} on device "${device}" in int8: 8-bit products are the CPU's, expected precision float32 or float16`,
    );
  }
  if (precision !== "float16" || device !== "webgpu") return;
  if ((await webgpuTraits()).float16) return;
  throw new TypeError(
    `Cannot ${task} on device "webgpu" in float16: this GPU or its driver has no 16-bit shaders (shader-f16), expected precision float32`,
  );
}

function refuseUnknown<Name extends string>(
  task: string,
  what: string,
  found: Name,
  known: readonly Name[],
): void {
  if (known.includes(found)) return;
  throw new TypeError(
    `Cannot ${task} with ${what} "${found}", expected one of ${
      known.join(", ")
    }`,
  );
}

let probed: Promise<WebgpuProbe> | undefined;

/** The GPU's abilities, probed once a process. */
const webgpuTraits = (): Promise<WebgpuProbe> =>
  probed ??= probeWebgpu(async (graph, device, feeds) => {
    const options = { device, threads: 1 };
    const runtime = await load(graph, options, { isSilent: true });
    await using session = new Session(graph, runtime);
    return await session.run(feeds);
  });

/** Loads a graph if its device has all of its operators; returns null if not. */
async function loadWhole(
  own: Graph,
  options: OpenOptions,
): Promise<RuntimeSession | null> {
  try {
    return await load(own, options, { isStrict: true });
  } catch (error) {
    const refusal = "fallback to CPU EP has been explicitly disabled";
    if (messageOf(error).includes(refusal)) return null;
    throw error;
  }
}

/**
 * The nodes of a graph that its device does not compute, after the runtime's own
 * optimisations: the runtime tells, which may take a run on zeros.
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
  const whole = await loadWhole(own, options);
  if (!whole) return await offDevice(own, options);
  await whole.release();
  return [];
}

/** The nodes of {@linkcode nodesOffDevice}, from the profile of a run on zeros. */
function offDevice(
  own: Graph,
  options: SessionOptions,
): Promise<OffDeviceNode[]> {
  return profiledNodes(async (profile) => {
    const runtime = await load(own, options, { profile });
    await using session = new Session({ ...own, ...outside(own) }, runtime);
    await session.run(zeroFeeds(session.graph));
    runtime.endProfiling();
  }, providers[options.device ?? "cpu"]);
}

const zeroFeeds = ({ inputs }: Graph): Record<string, Tensor> =>
  Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => [name, zeros(shape, dtype)]),
  );

let warned = false;

async function warnOffDevice(
  own: Graph,
  options: SessionOptions,
): Promise<void> {
  if (warned) return;
  warned = true;
  const nodes = await offDevice(own, options);
  const list = [...new Set(nodes.map(({ name, op }) => `${op} (${name})`))]
    .join(", ");
  console.warn(
    `Warning: ${options.device} does not compute every operator of "${own.name}"; on the CPU run ${list}`,
  );
}
