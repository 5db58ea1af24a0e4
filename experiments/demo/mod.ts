/** The demo: a local page on which the embedded models draw, full and pruned, side by side. */
export {
  type DemoModel,
  demoModels,
  fullSampler,
  weightsIn8Bits,
} from "./demo_models.ts";
export { type DemoOptions, DemoServer } from "./demo_server.ts";
