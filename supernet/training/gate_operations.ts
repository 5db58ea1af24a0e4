/** A unit's gate between blocks: what it yields, and what its cotangent becomes. */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import type { PlacedTensor } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { gatedValue } from "../arithmetic/gate_nodes.ts";
import { combination, lazy } from "../arithmetic/terms.ts";
import { factorShape, holds } from "../gates/payloads.ts";
import { type Operation, operation, vjpOf } from "../workspace/operations.ts";
import {
  factorTensor,
  type Held,
  type Workspace,
} from "../workspace/workspace.ts";

/** What goes through a gate. */
interface Gated extends Held {
  readonly gate: number;
  /** What the unit's block makes; undefined where it did not run. */
  readonly computed?: PlacedTensor;
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
    const payload = combination(
      g,
      factors.map((own, j) => [
        input(`factor.${j}`, own),
        lazy(() => input(`held.${j}`)),
      ]),
    );
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

function prepared(
  { gate, computed, row, held }: Gated,
  { shape }: PlacedTensor,
) {
  const [rows, ...rest] = shape;
  const factors = row.map((c) => factorShape(c, shape));
  const feeds = [
    ["gate", float32([rows, ...rest.map(() => 1)], Array(rows).fill(gate))],
    ...computed ? [["computed", computed]] : [],
    ...row.flatMap((c, j) => [
      [`held.${j}`, held[j]],
      [`factor.${j}`, factorTensor(c, shape)],
    ]),
  ];
  return {
    what: gateOperation(shape, { factors, computes: !!computed }),
    feeds: Object.fromEntries(feeds),
  };
}

/** What a unit yields: `computed` where it holds nothing. */
export async function throughGate(
  workspace: Workspace,
  gated: Gated,
): Promise<PlacedTensor> {
  const { gate, computed, held } = gated;
  if (held.length === 0 || computed && gate === 1) return computed!;
  if (!computed || gate === 0) return await workspace.payload(gated);
  const { what, feeds } = prepared(gated, computed);
  return (await workspace.compute(what, feeds)).value;
}

/** What a cotangent becomes at a gate. */
export interface GateGradients {
  /** Of what was computed; undefined at a closed gate. */
  readonly computed?: PlacedTensor;
  /** Of each row's gate, `[B, 1, …]`; undefined where nothing was computed. */
  readonly gate?: PlacedTensor;
  /** Of what is held, newest first; empty at an open gate. */
  readonly held: readonly PlacedTensor[];
  /** Of the payload's coefficients, as factors; where they are wanted. */
  readonly factors: readonly PlacedTensor[];
}

/**
 * The VJP of {@linkcode throughGate}. At a gate of 1, or of 0 where the unit
 * holds, the cotangent itself goes on.
 *
 * @param options.cotangent Of the value.
 * @param options.factors Whether those of the coefficients are wanted.
 */
export async function gateVjp(
  workspace: Workspace,
  gated: Gated,
  { cotangent, factors }: {
    readonly cotangent: PlacedTensor;
    readonly factors: boolean;
  },
): Promise<GateGradients> {
  const { gate, computed, row, held } = gated;
  if (held.length === 0) return { computed: cotangent, held: [], factors: [] };
  const passes = gate === 0 && holds(row) && !factors;
  const names = (name: string, wanted: boolean) =>
    wanted ? row.map((_, j) => `${name}.${j}`) : [];
  const ofHeld = names("held", gate !== 1 && !passes);
  const ofFactors = names("factor", gate !== 1 && factors);
  const own = computed && gate !== 0 && gate !== 1 ? ["computed"] : [];
  const wrt = [...own, ...computed ? ["gate"] : [], ...ofHeld, ...ofFactors];
  const { what, feeds } = prepared(gated, cotangent);
  const made = wrt.length === 0 ? {} : await workspace.compute(
    vjpOf(what, wrt),
    { ...feeds, [cotangentOf("value")]: cotangent },
  );
  const of = (name: string) => made[gradientOf(name)];
  return {
    computed: gate === 1 ? cotangent : of("computed"),
    gate: of("gate"),
    held: passes ? [cotangent] : ofHeld.map(of),
    factors: ofFactors.map(of),
  };
}
