/** The halves of guidance between sessions. */
import type { PlacedTensor } from "@dip-go/core/runtime";
import { filledHalves, halfRows } from "../arithmetic/half_nodes.ts";
import { termInputs } from "../arithmetic/terms.ts";
import type { OtherHalf } from "../gates/halves.ts";
import { factorShape, holding } from "../gates/payloads.ts";
import { type Operation, operation } from "./operations.ts";
import { type Computes, termFeeds, type Workspace } from "./workspace.ts";

/** What is filled in. */
export interface Filled {
  /** Its conditional rows are read: `[B, …]`, or `[2B, …]`. */
  readonly computed: PlacedTensor;
  /** Values of both halves, `[2B, …]`, newest first. */
  readonly held: readonly PlacedTensor[];
  readonly other: OtherHalf;
}

/** The other half as it is held. */
const keeping: OtherHalf = { held: "output", row: holding, depths: [0] };

const fillOperation = (
  { computed, held, other }: Filled,
): Operation => {
  const shape = held[0].shape;
  const factors = other.depths.map((j) => factorShape(other.row[j], shape));
  const parameters = [computed.shape, shape, other.held, factors];
  return operation("halves", parameters, (g) => {
    const own = g.input("computed", "float32", computed.shape);
    const half = computed.shape[0] === shape[0];
    const value = filledHalves(
      g,
      half ? halfRows(g, own, "conditional") : own,
      {
        held: other.held,
        terms: termInputs(g, factors, shape),
      },
    );
    return { value };
  });
};

/** Both halves of what was computed for the conditional one, `[2B, …]`. @param unit See {@linkcode Noted}. */
export async function fillHalves(
  workspace: Computes,
  filled: Filled,
  unit?: string,
): Promise<PlacedTensor> {
  const { computed, held, other: { row, depths } } = filled;
  const terms = depths.map((j) => [row[j], held[j]] as const);
  const feeds = { computed, ...termFeeds(terms) };
  const noted = { wrt: Object.keys(feeds), unit };
  return (await workspace.compute(fillOperation(filled), feeds, noted)).value;
}

/** What a unit holds after a step that renewed its conditional rows. @param before What it held, `[2B, …]`. */
export const renewed = (
  computed: PlacedTensor,
  before: PlacedTensor,
): Filled => ({ computed, held: [before], other: keeping });

/** The conditional rows, `[2B, …]` → `[B, …]`. */
export async function conditionalRows(
  workspace: Workspace,
  x: PlacedTensor,
): Promise<PlacedTensor> {
  const what = operation("conditional", x.shape, (g) => ({
    rows: halfRows(g, g.input("from", "float32", x.shape), "conditional"),
  }));
  return (await workspace.compute(what, { from: x })).rows;
}
