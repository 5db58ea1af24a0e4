/** A unit's gate between blocks. */
import type { PlacedTensor } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { gatedValue } from "../arithmetic/gate_nodes.ts";
import { combination, termInputs } from "../arithmetic/terms.ts";
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

/** The unit yields `value`. */
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

/** What a unit that holds something yields. */
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
  tape.derive(what, { outputs: { value }, wrt, unit, stays });
  return value;
}
