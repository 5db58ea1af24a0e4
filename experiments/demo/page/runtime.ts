/// <reference lib="dom" />
/** onnxruntime-web in the worker: on the GPU where there is one, else compiled to wasm. */
import type * as Ort from "onnxruntime-web";

/** The runtime's module. */
export type OrtModule = typeof Ort;

/** Where graphs run. */
export interface Device {
  readonly ort: OrtModule;
  /** In words. */
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

/** Loads the runtime. */
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

/** The CPU, by a runtime that is loaded. */
export function cpuOf(ort: OrtModule): Device {
  const { numThreads } = ort.env.wasm;
  const threads = `${numThreads} thread${numThreads === 1 ? "" : "s"}`;
  return { ort, name: `the CPU, by wasm, ${threads}`, isGpu: false };
}
