/**
 * What a SubNet must run: what the sampler's predictions lead back to over the
 * unrolled T x N graph. A block runs at a step only if its output, or its value as
 * a later backup, is used; the cascade of DiP-GO (section 3.3) follows, across
 * steps too.
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
 * What each of the T steps does.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export const stepPatterns = (
  net: SuperNet,
  gates: Gates,
  fillings?: Fillings,
): StepPattern[] => new OpenGates(net, gates, fillings).patterns();

/**
 * Which blocks run at which step, `[T, blocks]` in the SuperNet's block order.
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
 * MACs (total convention) of a SubNet over all T steps: those of the blocks that
 * run and of the payloads that combine values, one for each element and value. To
 * hold costs nothing. A step of the conditional half costs what batch B does.
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

/** Elements of the model's output. */
const outputSize = ({ blocks }: SuperNet): number =>
  sizeOf(blocks[blocks.length - 1].graph.outputs[0].shape);

/** The units whose payloads a step reads, an entry for each tensor. @param whole Of whose batch the whole step's is, whatever the step computes. */
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

/** What a SubNet takes of a budget over all T steps, in the unit of the SuperNet's costs; combinations are free. */
export function subNetCost(
  own: SuperNet,
  gates: Gates,
  fillings: Fillings = {},
): number {
  const net = heldBy(own, fillings.payloads);
  return new OpenGates(net, gates, fillings).cost;
}

/** What the full sampler takes, in the unit of the SuperNet's costs. */
export function denseCost(net: SuperNet): number {
  return subNetCost(net, denseGates(net.steps, net.units.length));
}

/** The most that is left when a fraction of the dense cost, a whole number, is removed; the rounding of 1 − s is forgiven. */
export function costBudget(dense: number, sparsity: number): number {
  return Math.floor((1 - sparsity) * dense * (1 + 1e-12));
}
