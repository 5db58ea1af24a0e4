/** Files for a browser: those of a folder, and of ONNX Runtime Web from its package. */
export { fileResponse } from "./serve_files.ts";
export { webRuntimeFolder } from "./web_runtime.ts";
