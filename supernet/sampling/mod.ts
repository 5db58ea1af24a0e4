/** Sampling with gates: any SubNet of a SuperNet, or one opened to be sampled often. */
export { blockSessions } from "./block_sessions.ts";
export { openFusedSubNet, type SubNet } from "./fused_sub_net.ts";
export { stepPlans } from "./held_sums.ts";
export { SamplerArithmetic } from "./sampler_arithmetic.ts";
export {
  type HeldStep,
  type SampleRequest,
  type UnitValue,
} from "./sampling_loop.ts";
export { stepGraph } from "./step_graph.ts";
export { SubNetRunner, type WholeCall } from "./sub_net.ts";
