/** A hub of models on this machine, which plays the faults of the real one, and processes that download from it. */
export { startDownload } from "./download_process.ts";
export {
  type Asked,
  breakAfter,
  dropToken,
  type Fault,
  type LoopbackHub,
  refuse,
  stallAfter,
  withHub,
} from "./loopback_hub.ts";
