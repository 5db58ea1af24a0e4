/** TODO supernet/sampling */
export { blockSessions } from "./block_sessions.ts";
export { openSubNet, type SubNet } from "./fused_sub_net.ts";
export { stepPlans } from "./held_sums.ts";
export { samplePictures } from "./sample_pictures.ts";
export {
  firstState,
  type HeldStep,
  placedNoise,
  type SampleRequest,
  stepFeeds,
} from "./sampling_loop.ts";
export { stepGraph } from "./step_graph.ts";
export { SubNetRunner } from "./sub_net.ts";
