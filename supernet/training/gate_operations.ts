/** A unit's gate between blocks. */
import type { Feeds, PlacedTensor } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { gatedValue } from "../arithmetic/gate_nodes.ts";
import { combination, termInputs } from "../arithmetic/terms.ts";
import { factorShape } from "../gates/payloads.ts";
import { type Operation, operation } from "../workspace/operations.ts";
import type { Tape } from "../workspace/tape.ts";
import { type Held, termFeeds } from "../workspace/workspace.ts";

/** What goes through a gate. */
export interface Gated extends Held {
  readonly unit: string;
  readonly gate: number;
  /** What the unit's block makes; undefined where it did not run. */
  readonly computed?: PlacedTensor;
  /** Whether what the unit yields is its newest value from now on. */
  readonly pushes: boolean;
  /** Whether gradients of the payload's coefficients are wanted. */
  readonly factors: boolean;
}

/** A unit yields `value`. */
const gateOperation = (
  shape: readonly number[],
  { factors, computes }: {
    readonly factors: readonly (readonly number[])[];
    readonly computes: boolean;
  },
): Operation =>
  operation("gate", [shape, factors, computes], (g) => {
    const input = (name: string, own: readonly number[] = shape) =>
      g.input(name, "float32", own);
    const payload = combination(g, termInputs(g, factors, shape));
    const rows = shape.map((dim, axis) => axis === 0 ? dim : 1);
    const value = computes
      ? gatedValue(g, {
        computed: input("computed"),
        payload,
        gate: input("gate", rows),
      })
      : payload;
    return { value };
  });

function prepared({ gate, computed, row, held }: Gated) {
  const [{ shape }] = held;
  const factors = row.map((c) => factorShape(c, shape));
  const [rows, ...rest] = shape;
  const all = [rows, ...rest.map(() => 1)];
  return {
    what: gateOperation(shape, { factors, computes: !!computed }),
    feeds: {
      gate: float32(all, Array(rows).fill(gate)),
      ...computed && { computed },
      ...termFeeds(row.map((c, j) => [c, held[j]])),
    } as Feeds,
  };
}

/** What a unit that holds something yields. */
export async function throughGate(
  tape: Tape,
  gated: Gated,
): Promise<PlacedTensor> {
  const { unit, gate, computed, row, held, pushes, factors } = gated;
  const { workspace } = tape;
  const { what, feeds } = prepared(gated);
  const isMixed = computed && gate !== 0 && gate !== 1;
  const yielded = isMixed
    ? (await workspace.compute(what, feeds)).value
    : computed && gate === 1
    ? computed
    : await workspace.payload(gated);
  // A cotangent is its tensor's: a held value may be read for itself besides.
  const isOther = pushes ? !computed && gate !== 0 : computed || factors;
  const apart = isOther && yielded === held[0];
  const value = apart ? await workspace.copy(yielded) : yielded;
  const stays = value === computed || value === held[0];
  const names = (name: string, wanted: boolean) =>
    wanted ? row.map((_, j) => `${name}.${j}`) : [];
  const wrt = [
    ...isMixed ? ["computed"] : [],
    ...computed ? ["gate"] : [],
    ...names("held", !stays),
    ...names("factor", factors && gate !== 1),
  ];
  tape.derive(what, { inputs: feeds, outputs: { value }, wrt, unit, stays });
  return value;
}
