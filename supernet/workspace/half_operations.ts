/** Operations between sessions on the halves of guidance. */
import type { PlacedTensor } from "@dip-go/core/runtime";
import { filledHalves, halfRows } from "../arithmetic/half_nodes.ts";
import { termInputs } from "../arithmetic/terms.ts";
import type { OtherHalf } from "../gates/halves.ts";
import { holding } from "../gates/payloads.ts";
import { operation } from "./operations.ts";
import { type Computes, termFeeds, type Workspace } from "./workspace.ts";

/** A value whose unconditional half is filled in. */
export interface Filled {
  /** The source of the conditional rows: `[B, …]`, or `[2B, …]`. */
  readonly computed: PlacedTensor;
  /** Values of both halves, `[2B, …]`, newest first. */
  readonly held: readonly PlacedTensor[];
  readonly other: OtherHalf;
}

/** The payload that keeps the other half unchanged. */
const keeping: OtherHalf = { held: "output", row: holding, depths: [0] };

/** Joins a conditional half with the filled-in other half, `[2B, …]`. @param unit See {@linkcode Noted}. */
export async function fillHalves(
  workspace: Computes,
  { computed, held, other }: Filled,
  unit?: string,
): Promise<PlacedTensor> {
  const terms = other.depths.map((j) => [other.row[j], held[j]] as const);
  const values = { computed, ...termFeeds(terms) };
  const isHalf = computed.shape[0] < held[0].shape[0];
  const what = operation("halves", values, (g, input) => {
    const own = input("computed");
    const conditional = isHalf ? own : halfRows(g, own, "conditional");
    const filled = { ...other, terms: termInputs(terms.length, input) };
    return { value: filledHalves(g, conditional, filled) };
  }, [other.held, isHalf]);
  const noted = { wrt: Object.keys(values), unit };
  return (await workspace.compute(what, noted)).value;
}

/** A unit's held value with renewed conditional rows. @param before The value held before, `[2B, …]`. */
export const renewed = (
  computed: PlacedTensor,
  before: PlacedTensor,
): Filled => ({ computed, held: [before], other: keeping });

/** The conditional rows, `[2B, …]` → `[B, …]`. */
export async function conditionalRows(
  workspace: Workspace,
  x: PlacedTensor,
): Promise<PlacedTensor> {
  const what = operation("conditional", { from: x }, (g, input) => ({
    rows: halfRows(g, input("from"), "conditional"),
  }));
  return (await workspace.compute(what)).rows;
}
