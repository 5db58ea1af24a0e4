/** A unit's gate, as an operation between blocks. */
import type { PlacedTensor } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { gatedValue } from "../arithmetic/gate_nodes.ts";
import { combination, termInputs } from "../arithmetic/terms.ts";
import { type Operation, operation } from "../workspace/operations.ts";
import type { Tape } from "../workspace/tape.ts";
import { type Held, termFeeds } from "../workspace/workspace.ts";

/** A unit's gate, its block's output and its held values, as one gate operation reads them. */
export interface Gated extends Held {
  readonly unit: string;
  readonly gate: number;
  /** The block's output; undefined if the block did not run. */
  readonly computed?: PlacedTensor;
  /** Whether the yielded value becomes the unit's newest held value. */
  readonly pushes: boolean;
  /** Whether gradients of the payload's coefficients are wanted. */
  readonly factors: boolean;
}

/** The operation of the gate, whose output `value` is the value that the unit yields. */
function gateOperation({ gate, computed, row, held }: Gated): Operation {
  const [rows, ...rest] = held[0].shape;
  const values = {
    gate: float32([rows, ...rest.map(() => 1)], Array(rows).fill(gate)),
    ...computed && { computed },
    ...termFeeds(row.map((c, j) => [c, held[j]])),
  };
  return operation("gate", values, (g, input) => {
    const payload = combination(g, termInputs(row.length, input));
    const value = computed
      ? gatedValue(g, {
        computed: input("computed"),
        payload,
        gate: input("gate"),
      })
      : payload;
    return { value };
  });
}

/** Computes the value that a unit with held values yields, and notes it on the tape. */
export async function throughGate(
  tape: Tape,
  gated: Gated,
): Promise<PlacedTensor> {
  const { unit, gate, computed, row, held, pushes, factors } = gated;
  const { workspace } = tape;
  const what = gateOperation(gated);
  const isMixed = computed && gate !== 0 && gate !== 1;
  const yielded = isMixed
    ? (await workspace.compute(what)).value
    : computed && gate === 1
    ? computed
    : await workspace.payload(gated);
  // Cotangents belong to tensors: a yielded value whose cotangent is not its held value's needs a copy.
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
  tape.derive(what, { outputs: { value }, wrt, unit, stays });
  return value;
}
