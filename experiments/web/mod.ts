/** TODO experiments/web */
export { filesHandler } from "./serve_files.ts";
export {
  webRuntimeBundle,
  webRuntimeFolder,
  webRuntimeVersion,
} from "./web_runtime.ts";
