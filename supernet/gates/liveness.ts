/**
 * The blocks that a SubNet must run: those that the sampler's predictions lead
 * back to over the unrolled T x N graph. A block runs at a step only if its
 * output is read there, or by a later step as a held value; the cascade of DiP-GO
 * (section 3.3) follows, across steps too.
 */
import { sizeOf } from "@dip-go/core/tensor";
import { denseGates, type Gates } from "./gates.ts";
import { halvesAt, netOf, otherHalfAt } from "./halves.ts";
import { heldBy } from "./held_units.ts";
import { OpenGates, type StepPattern } from "./open_gates.ts";
import { depthsOf, holds, rowOf } from "./payloads.ts";
import type { Fillings } from "./plan.ts";
import type { SuperNet } from "./super_net.ts";

/**
 * The blocks that run and the held values that are read at each of the T steps.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export const stepPatterns = (
  net: SuperNet,
  gates: Gates,
  fillings?: Fillings,
): StepPattern[] => new OpenGates(net, gates, fillings).patterns();

/**
 * Whether each block runs at each step, `[T, blocks]` in the SuperNet's order.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function liveBlocks(
  net: SuperNet,
  gates: Gates,
  fillings?: Fillings,
): (readonly boolean[])[] {
  return stepPatterns(net, gates, fillings).map(({ live }) => live);
}

/**
 * MACs (total convention) of a SubNet over all T steps: the MACs of the blocks
 * that run, and one for each element and value that a payload combines. Holding
 * costs nothing. A step of the conditional half costs as much as batch B.
 */
export function subNetMacs(
  own: SuperNet,
  gates: Gates,
  fillings: Fillings = {},
): number {
  const { payloads, halves } = fillings;
  const net = heldBy(own, payloads);
  const patterns = stepPatterns(net, gates, fillings);
  const at = (t: number) => netOf(net, halvesAt(halves, t));
  const combined = patterns.map((pattern, t) => {
    const { row, depths } = otherHalfAt(payloads, t);
    const fills = pattern.predicts && at(t) !== net && !holds(row);
    return [
      ...readAt(at(t), pattern, net).map(({ unit, elements }) => {
        const row = rowOf(payloads, unit, t);
        return holds(row) ? 0 : depthsOf(row).length * elements;
      }),
      fills ? depths.length * outputSize(at(t)) : 0,
    ].reduce((a, b) => a + b);
  });
  const computed = patterns.flatMap(({ live }, t) =>
    at(t).macs.filter((_, i) => live[i])
  );
  return [...computed, ...combined].reduce((a, b) => a + b, 0);
}

const outputSize = ({ blocks }: SuperNet): number =>
  sizeOf(blocks[blocks.length - 1].graph.outputs[0].shape);

/** The units whose payloads a step reads, by tensor. @param whole The SuperNet whose batch the whole step has. */
function readAt(
  { blocks, model }: SuperNet,
  { reads, predicts }: StepPattern,
  whole: SuperNet,
): { unit: string; elements: number }[] {
  const own = blocks.flatMap(({ block, graph }) =>
    block.outputs.flatMap((output, k) =>
      reads.has(output)
        ? [{ unit: block.name, elements: sizeOf(graph.outputs[k].shape) }]
        : []
    )
  );
  if (predicts) return own;
  return [...own, { unit: model.output, elements: outputSize(whole) }];
}

/** MACs (total convention) of the full sampler: all gates open. */
export function denseMacs(net: SuperNet): number {
  return subNetMacs(net, denseGates(net.steps, net.units.length));
}

/** The cost of a SubNet over all T steps, in the unit of the SuperNet's costs; combinations are free. */
export function subNetCost(
  own: SuperNet,
  gates: Gates,
  fillings: Fillings = {},
): number {
  const net = heldBy(own, fillings.payloads);
  return new OpenGates(net, gates, fillings).cost;
}

/** The cost of the full sampler, in the unit of the SuperNet's costs. */
export function denseCost(net: SuperNet): number {
  return subNetCost(net, denseGates(net.steps, net.units.length));
}

/** The budget, a whole number, that a sparsity leaves of the dense cost; the rounding of 1 − s is forgiven. */
export function costBudget(dense: number, sparsity: number): number {
  return Math.floor((1 - sparsity) * dense * (1 + 1e-12));
}
