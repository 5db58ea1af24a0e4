/** A unit's gate between blocks: what it yields, and what its cotangent becomes. */
import { cotangentOf, gradientOf } from "@dip-go/core/autodiff";
import type { PlacedTensor } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { gatedValue } from "../arithmetic/gate_nodes.ts";
import { combination, lazy } from "../arithmetic/terms.ts";
import { factorShape } from "../gates/payloads.ts";
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

/** A unit yields `value`, which a later step may read `again`. */
const gateOperation = (
  shape: readonly number[],
  { factors, computes, again }: {
    readonly factors: readonly (readonly number[])[];
    readonly computes: boolean;
    readonly again: boolean;
  },
): Operation =>
  operation("gate", [shape, factors, computes, again], (g) => {
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
    return { value, ...again && { again: g.identity(value) } };
  });

function prepared(
  { gate, computed, row, held }: Gated,
  { shape }: PlacedTensor,
  again = false,
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
    what: gateOperation(shape, { factors, computes: !!computed, again }),
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
 * The VJP of {@linkcode throughGate}.
 *
 * @param options.cotangents Of the value, and of the value as a later step reads it; of one at least.
 * @param options.factors Whether those of the coefficients are wanted.
 */
export async function gateVjp(
  workspace: Workspace,
  gated: Gated,
  { cotangents: [own, later], factors }: {
    readonly cotangents: readonly (PlacedTensor | undefined)[];
    readonly factors: boolean;
  },
): Promise<GateGradients> {
  const { gate, computed, row, held } = gated;
  const only = own ?? later!;
  if (held.length === 0) {
    const both = await workspace.plus(
      own && later ? own : undefined,
      later ?? only,
    );
    return { computed: both, held: [], factors: [] };
  }
  const again = own !== undefined && later !== undefined;
  const passes = gate === 1 && !again;
  const names = (name: string) => row.map((_, j) => `${name}.${j}`);
  const wrt = [
    ...computed && gate !== 0 && !passes ? ["computed"] : [],
    ...computed ? ["gate"] : [],
    ...gate === 1 ? [] : names("held"),
    ...gate !== 1 && factors ? names("factor") : [],
  ];
  const { what, feeds } = prepared(gated, only, again);
  const made = await workspace.compute(vjpOf(what, wrt), {
    ...feeds,
    [cotangentOf("value")]: only,
    ...again && { [cotangentOf("again")]: later },
  });
  const of = (name: string) => made[gradientOf(name)];
  return {
    computed: passes ? only : of("computed"),
    gate: of("gate"),
    held: gate === 1 ? [] : names("held").map(of),
    factors: gate !== 1 && factors ? names("factor").map(of) : [],
  };
}
