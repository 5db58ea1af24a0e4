/** Benches of speed and memory on this machine: samplers, gradients, exports, single layers, whole GPUs. */
export { benches } from "./benches.ts";
export { changedGateLines, measureChangedGate } from "./changed_gate.ts";
export { compiledLines, measureCompiled } from "./compiled_speed.ts";
export { exportCost, exportCostLines } from "./export_cost.ts";
export { gradientMemory } from "./gradient_memory.ts";
export { gradientLines, measureGradient } from "./gradient_speed.ts";
export { growthLines, measureGrowth } from "./growth.ts";
export {
  guidanceLines,
  measureGuidance,
  samplingBytes,
} from "./guidance_cost.ts";
export { layerLines, layerSubjects, measureLayers } from "./layer_gradients.ts";
export { writeFigures } from "./figures.ts";
export { measurePeers, peerLines } from "./peers/peers.ts";
export { measureSpeed, speedLines } from "./sub_net_speed.ts";
export { tinySubject } from "./subjects/tiny_subject.ts";
