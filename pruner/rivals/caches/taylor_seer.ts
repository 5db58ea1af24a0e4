/**
 * TaylorSeer (Liu et al., "From Reusing to Forecasting: Accelerating Diffusion
 * Models with TaylorSeers", arXiv 2503.06923): features that are not computed are
 * forecast by a Taylor series, the payload `taylor`. The computed calls follow the
 * paper's code or diffusers'.
 */
import { type SubNetPlan, type SuperNet, taylor } from "@dip-go/supernet/gates";
import { range } from "../../numbers.ts";
import { keyMethod } from "../key_method.ts";
import { heldPlan, kindOf, layersPlan } from "./held_plan.ts";

/** The forecast values: every block's attention and MLP, one of them, the last block's output, or the model's. */
export type Forecast =
  | "layers"
  | "attention"
  | "mlp"
  | "last block"
  | "model";

/** The computed calls of the paper: the first few (2 or 3 in the authors' code for DiT), then every N-th. */
export const paperKeys = (
  steps: number,
  { interval, first }: { readonly interval: number; readonly first: number },
): number[] =>
  range(steps).filter((t) => t < first || (t - first + 1) % interval === 0);

/** The computed calls of diffusers: all before `before`, then every N-th from the next, all from `after` on. */
export const diffusersKeys = (
  steps: number,
  { interval, before, after = Infinity }: {
    readonly interval: number;
    readonly before: number;
    readonly after?: number;
  },
): number[] =>
  range(steps).filter((t) =>
    t < before || (t - before - 1) % interval === 0 || t >= after
  );

/**
 * The plan, on units of single layers, or of whole blocks for the last block.
 *
 * @param options.keys The calls that compute.
 * @param options.order The order of the series; 0 holds.
 */
export function taylorPlan(
  net: SuperNet,
  { keys, forecast, order }: {
    readonly keys: readonly number[];
    readonly forecast: Forecast;
    readonly order: number;
  },
): SubNetPlan {
  const make = taylor(order);
  if (forecast === "layers") return layersPlan(net, keys, make);
  const isKind = forecast === "attention" || forecast === "mlp";
  const one = net.units.at(forecast === "model" ? -1 : -2);
  const isForecast = (unit: string) =>
    isKind ? kindOf(unit) === forecast : unit === one;
  return heldPlan(
    net,
    (unit, t) => !isForecast(unit) || keys.includes(t),
    { held: isKind ? "branch" : "output", make },
  );
}

/** TaylorSeer as published for DiT: order 4, two calls at the start. */
export const taylorSeer = keyMethod("taylorseer", {
  keys: (interval, steps) => paperKeys(steps, { interval, first: 2 }),
  plan: (net, keys) => taylorPlan(net, { keys, forecast: "layers", order: 4 }),
});

/** TaylorSeer at diffusers' defaults: order 1, three calls at the start. */
export const taylorSeerDiffusers = keyMethod("taylorseer-diffusers", {
  keys: (interval, steps) => diffusersKeys(steps, { interval, before: 3 }),
  plan: (net, keys) => taylorPlan(net, { keys, forecast: "layers", order: 1 }),
});

/** TaylorSeer at diffusers' defaults on the model's output alone ("lite"). */
export const taylorSeerLite = keyMethod("taylorseer-lite", {
  keys: (interval, steps) => diffusersKeys(steps, { interval, before: 3 }),
  plan: (net, keys) => taylorPlan(net, { keys, forecast: "model", order: 1 }),
});
