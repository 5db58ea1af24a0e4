/**
 * FORA (Selvaraju et al., "FORA: Fast-Forward Caching in Diffusion Transformer
 * Acceleration", arXiv 2407.01425): every attention and MLP is computed anew
 * every `interval` steps, the rest at every step.
 */
import {
  denseGates,
  type Gate,
  type Gates,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { patternMethod } from "./pattern_method.ts";

/** Every unit at every `interval`-th step, counted from 0; the whole step is never held. */
export function foraGates(net: SuperNet, interval: number): Gates {
  if (!Number.isInteger(interval) || interval < 1) {
    throw new RangeError(
      `Cannot make FORA gates: interval is ${interval}, expected 1 or more`,
    );
  }
  const whole = net.units.length - 1;
  return denseGates(net.steps, net.units.length).map((row, t) =>
    row.map((_, n): Gate => n === whole || t % interval === 0 ? 1 : 0)
  );
}

/** At the smallest interval that fits; ungated blocks run at every step, so there may be none. */
export const fora = patternMethod("fora", foraGates);
