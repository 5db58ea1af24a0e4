/** Plans in which each unit runs at calls of its own, and yields a payload in between. */
import type { Held } from "@dip-go/core/models";
import {
  hold,
  type PayloadMaker,
  payloadOf,
  type SubNetPlan,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { addsToStreams, gatesWhere } from "../../units.ts";

/** The kind of a unit's layer, by its module's name; undefined if it is neither. */
export const kindOf = (unit: string): "attention" | "mlp" | undefined => {
  if (/\.attn\d?$/.test(unit)) return "attention";
  return /\.ff$/.test(unit) ? "mlp" : undefined;
};

/**
 * Makes the plan.
 *
 * @param computes Whether a unit runs at a call.
 * @param options.held The kind of value that a unit holds.
 * @param options.make Makes the payloads' coefficients; by default the last value is held.
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

/** The plan in which all units but the whole step run at the same calls. */
export const innerPlan = (
  net: SuperNet,
  computes: (t: number) => boolean,
  held: Parameters<typeof heldPlan>[2],
): SubNetPlan =>
  heldPlan(net, (unit, t) => unit === net.model.output || computes(t), held);

/**
 * An {@linkcode innerPlan} that holds branches before their gates, or outputs if units do.
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
