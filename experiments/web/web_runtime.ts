/** onnxruntime-web in Deno's cache: the files that a browser tab loads to run graphs. */
import "onnxruntime-web"; // so that it is downloaded with the rest

/** The folder of onnxruntime-web's bundles and `.wasm` files, with a slash at the end. */
export const webRuntimeFolder: URL = new URL(
  ".",
  import.meta.resolve("onnxruntime-web/webgpu"),
);
