/** The demo: a local page on which the embedded models draw side by side, full and pruned. */
export {
  type DemoModel,
  demoModels,
  fullSampler,
  weightsIn8Bits,
} from "./demo_models.ts";
export { type DemoOptions, DemoServer } from "./demo_server.ts";
