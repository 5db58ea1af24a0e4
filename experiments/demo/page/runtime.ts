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
  const threads = crossOriginIsolated
    ? Math.min(4, navigator.hardwareConcurrency)
    : 1;
  ort.env.wasm.numThreads = threads;
  const name = isGpu
    ? "the GPU, by WebGPU"
    : `the CPU, by wasm, ${threads} thread${threads === 1 ? "" : "s"}`;
  return { ort, name, isGpu };
}
