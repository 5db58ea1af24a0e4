/** Pages in a real browser: headless Chromium over its own protocol, and results whose names and prompts try to break a page. */
export {
  hostileMethod,
  hostilePrompt,
  hostileResults,
  hostileRun,
  noisePictures,
} from "./hostile_run.ts";
