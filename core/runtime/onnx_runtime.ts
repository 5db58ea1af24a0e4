/**
 * Wraps ONNX Runtime's Node binding: graphs become its sessions, our tensors its
 * tensors. The only file that imports onnxruntime-node. Weights in files reach the
 * runtime as external data, without a copy.
 */
import * as ort from "onnxruntime-node";
import { encodeModel, isExternal } from "../onnx/file/model_proto.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { withLinkedModel } from "./model_files/external_weights.ts";
import { DeviceTensor, type PlacedTensor } from "./feeds.ts";
import type { ProfileOptions } from "./profiled_nodes.ts";
import type { Device, OpenOptions } from "./session_options.ts";
import { widensEachRun } from "./widening.ts";

/** ONNX Runtime's version. */
export const runtimeVersion: string = ort.env.versions.node ?? "unknown";

/** A graph that the runtime has loaded. */
export type RuntimeSession = ort.InferenceSession;

/** A tensor of the runtime. */
export type RuntimeTensor = ort.Tensor;

/** The provider of each device, as ONNX Runtime's profiles name it. */
export const providers: Readonly<Record<Device, string>> = {
  cpu: "CPUExecutionProvider",
  webgpu: "WebGpuExecutionProvider",
  cuda: "CUDAExecutionProvider",
};

/** The message of anything thrown. */
export const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);

/** Options of {@linkcode load}, besides the session's. */
export interface LoadOptions {
  /** Whether loading fails if an operator would be left to the CPU. */
  readonly isStrict?: boolean;
  /** Whether the runtime logs nothing: errors are thrown as well. */
  readonly isSilent?: boolean;
  readonly profile?: ProfileOptions;
}

/**
 * Loads a graph into the runtime; weights in files are mapped from there.
 *
 * @throws {Error} If ONNX Runtime refuses the graph or lacks the device.
 */
export function load(
  graph: Graph,
  options: OpenOptions,
  how: LoadOptions = {},
): Promise<RuntimeSession> {
  const { device = "cpu" } = options;
  const settings = settingsOf(graph, options, how);
  const open = async (model: string | Uint8Array) => {
    try {
      // The runtime's overloads take one or the other.
      return await ort.InferenceSession.create(model as string, settings);
    } catch (cause) {
      const built = ort.listSupportedBackends().map(({ name }) => name);
      throw new Error(
        `Cannot open a session for "${graph.name}" on device "${device}" (this build has ${
          built.join(", ")
        })${howToGet[device]}: ${messageOf(cause)}`,
        { cause },
      );
    }
  };
  const hasFiles = [...graph.initializers.values()].some(isExternal);
  if (!hasFiles) return open(encodeModel(graph));
  const keepsStored = widensEachRun(graph, options);
  return withLinkedModel(graph, open, { keepsStored });
}

/** The options in ONNX Runtime's form; settings without a field of their own are in `extra`. */
function settingsOf(
  { outputs }: Graph,
  options: OpenOptions,
  { isStrict = false, isSilent = isStrict, profile }: LoadOptions,
): ort.InferenceSession.SessionOptions {
  const { device = "cpu", threads = navigator.hardwareConcurrency } = options;
  const { keepsMemory = true, optimization = "all" } = options;
  const { prepacks = true, kept = [] } = options;
  const flag = (on: boolean) => on ? "1" : "0";
  const place = ({ name }: Value) =>
    [name, kept.includes(name) ? "gpu-buffer" : "cpu"] as const;
  return {
    executionProviders: [device],
    executionMode: "sequential",
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimization,
    enableCpuMemArena: keepsMemory,
    // The pattern plans one block of memory for the features of later runs, beside
    // the features of the first run, which the arena keeps.
    enableMemPattern: device !== "cpu",
    logSeverityLevel: isSilent ? 4 : 3, // nothing, or errors: warnings are about optimisations left out
    extra: {
      session: {
        // Idle threads spin until the next operator, which is faster, but not until
        // the next run: threads of many sessions would slow each other down.
        intra_op: { allow_spinning: "1" },
        force_spinning_stop: "1",
        disable_prepacking: flag(!prepacks),
        ...isStrict ? { disable_cpu_ep_fallback: "1" } : {},
      },
    },
    ...device === "webgpu" && kept.length > 0
      ? { preferredOutputLocation: Object.fromEntries(outputs.map(place)) }
      : {},
    ...profile,
  };
}

const howToGet: Readonly<Record<Device, string>> = {
  cpu: "",
  webgpu:
    "; it needs a GPU with a Vulkan, Metal or Direct3D 12 driver, and is not built for Linux arm64",
  cuda:
    "; it needs Linux x64, CUDA 12 and cuDNN 9, and the provider's libraries beside libonnxruntime.so.1 (docs/gpu.md)",
};

/** A feed as the runtime's tensor; float16 as a plain object, since Deno's Node-API lacks `ort`'s Float16Array. */
export function toRuntime(feed: PlacedTensor): ort.Tensor {
  if (feed instanceof DeviceTensor) return feed.handle as ort.Tensor;
  const { dtype, shape, data } = feed;
  const plain = { type: dtype, dims: shape, data, location: "cpu" };
  return dtype === "float16"
    ? plain as unknown as ort.Tensor
    : new ort.Tensor(dtype, data as Float32Array, shape);
}

/** The runtime's tensor as ours; float16 arrays, of a class of their own, become bit patterns. */
export function fromRuntime(
  { dtype }: Value,
  { data, dims }: ort.Tensor,
): Tensor {
  const array = data as Float32Array;
  const bits = dtype === "float16"
    ? new Uint16Array(array.buffer, array.byteOffset, array.length)
    : array;
  return { dtype, shape: dims, data: bits };
}
