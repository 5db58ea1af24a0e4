/** Files for a browser: a folder's files, and the files of ONNX Runtime Web's package. */
export { fileResponse } from "./serve_files.ts";
export { webRuntimeFolder } from "./web_runtime.ts";
