/** Files for a browser: a server of folders, and ONNX Runtime Web from its package. */
export { filesHandler } from "./serve_files.ts";
export {
  webRuntimeBundle,
  webRuntimeFolder,
  webRuntimeVersion,
} from "./web_runtime.ts";
