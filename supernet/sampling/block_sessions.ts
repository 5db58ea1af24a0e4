/** How the sessions of a SuperNet's blocks are opened, of which many are open at once. */
import type { Graph } from "@dip-go/core/onnx";
import { type SessionOptions, usualWidening } from "@dip-go/core/runtime";
import { sizeOf } from "@dip-go/core/tensor";
import type { SuperNet } from "../gates/super_net.ts";

/** A model of more weights, 1 GiB in float32, is large. */
export const largeModel = 2 ** 28;

/** Elements of a graph's weights. */
export const weightCount = ({ initializers }: Graph): number =>
  [...initializers.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Elements of the weights of all blocks. */
const networkWeights = ({ blocks }: SuperNet): number =>
  blocks.reduce((sum, { graph }) => sum + weightCount(graph), 0);

/** The options, 16-bit weights widened when it suits all blocks together, and for a large model sessions that give memory back after each run: what each keeps would add up to several times the weights. */
export function blockSessions(
  net: SuperNet,
  options: SessionOptions = {},
): SessionOptions {
  const weights = networkWeights(net);
  const { widening = usualWidening(weights) } = options;
  return { ...options, widening, keepsMemory: weights <= largeModel };
}

/**
 * The most weights, in elements, that the sessions of one SubNet's steps may
 * take together: those of the network, for which whole steps need one session.
 * Where each run widens them anew, blocks do so one by one, in less memory.
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
