/** TODO experiments/demo */
export { type DemoModel, demoModels, fullPlan } from "./demo_models.ts";
export { type DemoOptions, DemoServer } from "./demo_server.ts";
