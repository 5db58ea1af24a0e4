/** Plans in which each unit runs at calls of its own, and what it gives in between is made of what it computed. */
import type { Held } from "@dip-go/core/models";
import {
  type Gate,
  hold,
  type PayloadMaker,
  payloadOf,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { range } from "../../numbers.ts";
import { addsToStreams } from "../../refusals.ts";

/** Whether a unit runs, one entry a model call. */
export type Runs = readonly boolean[];

/** Whether a unit is an attention layer, or a feed-forward one, by its module's name. */
export const kindOf = (unit: string): "attention" | "mlp" | undefined => {
  if (/\.attn\d?$/.test(unit)) return "attention";
  return /\.ff$/.test(unit) ? "mlp" : undefined;
};

/** T entries of a rule. */
export const runsOf = (
  { steps }: Pick<SuperNet, "steps">,
  computes: (step: number) => boolean,
): Runs => range(steps).map(computes);

/**
 * The plan.
 *
 * @param runs When a unit runs; nothing for one that always does.
 * @param options.held What of a unit is kept.
 * @param options.make What is made of it; the last value by default.
 */
export function heldPlan(
  net: SuperNet,
  runs: (unit: string) => Runs | undefined,
  { held, make = hold }: { readonly held: Held; readonly make?: PayloadMaker },
): SubNetPlan {
  const columns = net.units.map((unit) =>
    (runs(unit) ?? runsOf(net, () => true)).map((run): Gate => run ? 1 : 0)
  );
  const closed = net.units.map((unit, n) => ({ unit, gates: columns[n] }))
    .filter(({ gates }) => gates.includes(0));
  return {
    gates: range(net.steps).map((t) => columns.map((gates) => gates[t])),
    payloads: Object.fromEntries(
      closed.map(({ unit, gates }) => [unit, payloadOf(gates, { held, make })]),
    ),
  };
}

/** The plan of all units but the whole step at the same calls. */
export const innerPlan = (
  net: SuperNet,
  runs: Runs,
  held: Parameters<typeof heldPlan>[2],
): SubNetPlan =>
  heldPlan(net, (unit) => unit === net.model.output ? undefined : runs, held);

/**
 * The same, held before their gates; units whose blocks hold their outputs stay so.
 *
 * @param keys The calls that compute.
 */
export const layersPlan = (
  net: SuperNet,
  keys: readonly number[],
  make?: PayloadMaker,
): SubNetPlan =>
  innerPlan(net, runsOf(net, (t) => keys.includes(t)), {
    held: addsToStreams(net) ? "branch" : "output",
    make,
  });
