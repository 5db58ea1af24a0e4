/** Results whose names and prompts try to break a page. The tests beside them open pages in headless Chromium. */
export {
  hostileMethod,
  hostilePrompt,
  hostileResults,
  hostileRun,
  noisePictures,
} from "./hostile_run.ts";
