/** TODO testing/browser */
export {
  hostileMethod,
  hostilePrompt,
  hostileResults,
  hostileRun,
  noisePictures,
} from "./hostile_run.ts";
