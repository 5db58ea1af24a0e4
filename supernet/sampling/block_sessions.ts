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

/** The options, 16-bit weights widened when it suits all blocks together, and for a large model sessions that give memory back after each run: what each keeps would add up to several times the weights. */
export function blockSessions(
  { blocks }: SuperNet,
  options: SessionOptions = {},
): SessionOptions {
  const weights = blocks.reduce(
    (sum, { graph }) => sum + weightCount(graph),
    0,
  );
  const { widening = usualWidening(weights) } = options;
  return { ...options, widening, keepsMemory: weights <= largeModel };
}
