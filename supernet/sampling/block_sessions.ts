/** Options for the sessions of a SuperNet's blocks, many of which are open at once. */
import type { Graph } from "@dip-go/core/onnx";
import { type SessionOptions, usualWidening } from "@dip-go/core/runtime";
import { sizeOf } from "@dip-go/core/tensor";
import type { StepPattern } from "../gates/open_gates.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** A model is large if it has more weight elements than this: 1 GiB in float32. */
export const largeModel = 2 ** 28;

const weightCount = ({ initializers }: Graph): number =>
  [...initializers.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** The number of weight elements of a network. */
export const networkWeights = ({ blocks }: SuperNet): number =>
  blocks.reduce((sum, { graph }) => sum + weightCount(graph), 0);

/** The number of weight elements of steps, each with its own copy of those that it reads. */
export function stepWeights(
  { blocks }: SuperNet,
  steps: readonly Pick<StepPattern, "live">[],
): number {
  const own = blocks.map(({ graph }) => weightCount(graph));
  return steps.flatMap(({ live }) => live.map((runs, i) => runs ? own[i] : 0))
    .reduce((a, b) => a + b, 0);
}

/**
 * Session options for blocks: 16-bit weights are widened once or at each run, as
 * suits all blocks together, and a large model's sessions free memory after each
 * run, since together they would keep several times the weights.
 */
export function blockSessions(
  net: SuperNet,
  options: SessionOptions = {},
): SessionOptions {
  const weights = networkWeights(net);
  const { widening = usualWidening(weights) } = options;
  return { ...options, widening, keepsMemory: weights <= largeModel };
}

/**
 * The most weight elements that the sessions of one SubNet's steps may have
 * together: the network's own number, enough if whole steps share one session. If
 * each run widens weights, a large network runs block by block, in less memory.
 */
export function mostStepWeights(
  net: SuperNet,
  options: SessionOptions,
): number {
  const { widening } = blockSessions(net, options);
  return widening === "each run"
    ? largeModel
    : Math.max(largeModel, networkWeights(net));
}
