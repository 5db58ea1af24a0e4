/** Plans in which each unit runs at calls of its own, and what it gives in between is made of what it computed. */
import type { Held } from "@dip-go/core/models";
import {
  hold,
  type PayloadMaker,
  payloadOf,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { addsToStreams, gatesWhere } from "../../units.ts";

/** Whether a unit is an attention layer, or a feed-forward one, by its module's name. */
export const kindOf = (unit: string): "attention" | "mlp" | undefined => {
  if (/\.attn\d?$/.test(unit)) return "attention";
  return /\.ff$/.test(unit) ? "mlp" : undefined;
};

/**
 * The plan.
 *
 * @param computes Whether a unit runs at a call.
 * @param options.held What of a unit is kept.
 * @param options.make What is made of it; the last value by default.
 */
export function heldPlan(
  net: SuperNet,
  computes: (unit: string, t: number) => boolean,
  { held, make = hold }: { readonly held: Held; readonly make?: PayloadMaker },
): SubNetPlan {
  const gates = gatesWhere(net, (t, n) => computes(net.units[n], t));
  const columns = net.units
    .map((unit, n) => ({ unit, own: gates.map((row) => row[n]) }))
    .filter(({ own }) => own.includes(0));
  const payloads = Object.fromEntries(
    columns.map(({ unit, own }) => [unit, payloadOf(own, { held, make })]),
  );
  return { gates, payloads };
}

/** The plan of all units but the whole step at the same calls. */
export const innerPlan = (
  net: SuperNet,
  computes: (t: number) => boolean,
  held: Parameters<typeof heldPlan>[2],
): SubNetPlan =>
  heldPlan(net, (unit, t) => unit === net.model.output || computes(t), held);

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
  innerPlan(net, (t) => keys.includes(t), {
    held: addsToStreams(net) ? "branch" : "output",
    make,
  });
