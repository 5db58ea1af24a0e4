/**
 * Graphs without operators that ONNX Runtime's WebGPU provider lacks, or computes
 * too coarsely for a sampler. A run of every case of `operator_cases.ts` on it shows
 * which; each operator's file has the form that replaces it.
 */
import type { Graph } from "../onnx/graph.ts";
import type { WebgpuTraits } from "../onnx/ops/operator.ts";
import { operatorOf } from "../onnx/ops/registry.ts";
import { rewritten } from "../onnx/rewrites/rewrite.ts";

/** The graph for the WebGPU provider: same inputs, outputs and results. */
export const webgpuGraph = (graph: Graph, traits: WebgpuTraits): Graph =>
  rewritten(graph, {
    rule: (call) => operatorOf(call.node).gpu?.({ ...call, traits }),
  });
