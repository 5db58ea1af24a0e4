/** Units of SuperNets, and their gates. */
import type { Gate, Gates, SuperNet } from "@dip-go/supernet/gates";
import { range } from "./numbers.ts";

/** Makes gates `[T, N]` by a rule. */
export const gatesWhere = (
  { steps, units }: Pick<SuperNet, "steps" | "units">,
  isOpen: (t: number, n: number) => boolean,
): Gates =>
  range(steps).map((t) => units.map((_, n): Gate => isOpen(t, n) ? 1 : 0));

/** The index of a unit's block in a SuperNet; −1 for the whole step. */
export const blockAt = ({ blocks }: SuperNet, unit: string): number =>
  blocks.findIndex(({ block }) => block.name === unit);

/** The name of the block that a unit is a part of; the unit's own if it is a whole block. */
export const blockOf = (unit: string): string =>
  unit.replace(/\.(attn\d?|ff)$/, "");

/** Whether every unit but the whole step holds its output. */
export const holdsOutputs = ({ blocks }: SuperNet): boolean =>
  blocks.every(({ block }) => !block.gated || !block.streams);

/** Whether every unit but the whole step holds the residual that it adds to a stream. */
export const addsToStreams = ({ blocks }: SuperNet): boolean =>
  blocks.every(({ block }) => !block.gated || block.streams);
