/** onnxruntime-web as Deno keeps it: the files that a browser tab loads to run graphs. */
import { env } from "onnxruntime-web"; // and so it is downloaded with the rest

/** Its version. */
export const webRuntimeVersion: string = env.versions.web!;

/** The folder of its bundles and `.wasm` files, with a slash at the end. */
export const webRuntimeFolder: URL = new URL(
  ".",
  import.meta.resolve("onnxruntime-web/webgpu"),
);

/** The bundle with WebGPU and, where there is none, wasm. */
export const webRuntimeBundle = "ort.webgpu.bundle.min.mjs";
