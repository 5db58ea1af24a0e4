/// <reference lib="dom" />
/** onnxruntime-web in the worker: on the GPU if there is one, else compiled to wasm. */
import type * as Ort from "onnxruntime-web";

/** The runtime's module. */
export type OrtModule = typeof Ort;

/** The device that runs graphs, with its runtime. */
export interface Device {
  readonly ort: OrtModule;
  /** The device in words. */
  readonly name: string;
  readonly isGpu: boolean;
}

/** The runtime's files on the local server. */
const folder = new URL("/runtime/", location.href).href;

interface Gpu {
  requestAdapter(): Promise<object | null>;
}

async function gpuIsHere(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: Gpu };
  return Boolean(await gpu?.requestAdapter());
}

/** Loads the runtime: for the CPU if `onCpu` or if there is no GPU, else for the GPU. */
export async function openDevice(onCpu: boolean): Promise<Device> {
  const isGpu = !onCpu && await gpuIsHere();
  const bundle = `ort.${isGpu ? "webgpu" : "wasm"}.bundle.min.mjs`;
  const ort: OrtModule = await import(folder + bundle);
  ort.env.wasm.wasmPaths = folder;
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = crossOriginIsolated
    ? Math.min(4, navigator.hardwareConcurrency)
    : 1;
  return isGpu ? { ort, name: "the GPU, by WebGPU", isGpu } : cpuOf(ort);
}

/** The CPU as a device of a loaded runtime. */
export function cpuOf(ort: OrtModule): Device {
  const { numThreads } = ort.env.wasm;
  const threads = `${numThreads} thread${numThreads === 1 ? "" : "s"}`;
  return { ort, name: `the CPU, by wasm, ${threads}`, isGpu: false };
}
