/**
 * Faster Diffusion (Li et al., "Faster Diffusion: Rethinking the Role of the
 * Encoder for Diffusion Model Inference", NeurIPS 2024, arXiv 2312.09608): a UNet's
 * encoder and middle run at key steps alone; at the others its decoder runs, on
 * their outputs of the last key step.
 */
import type { Gates, SuperNet } from "@dip-go/supernet/gates";
import { range } from "../../numbers.ts";
import { gatesWhere, holdsOutputs } from "../../units.ts";
import { keyMethod } from "../key_method.ts";

/** The authors' key steps for Stable Diffusion. */
const authors = { steps: 50, keys: [0, 1, 2, 3, 5, 10, 15, 25, 35] };

/**
 * As many key steps as asked for, as dense over the T steps as the authors' nine
 * over 50; ascending, from 0.
 *
 * @param count From 1 to T.
 */
export function authorsKeys(count: number, steps: number): number[] {
  const { keys } = authors;
  const ends = [...keys, authors.steps];
  const chosen: number[] = [];
  for (const i of range(count)) {
    const place = i / count * keys.length;
    const k = Math.floor(place);
    const at = ends[k] + (place - k) * (ends[k + 1] - ends[k]);
    const key = Math.round(at / authors.steps * steps);
    chosen.push(Math.max(key, (chosen.at(-1) ?? -1) + 1));
  }
  return chosen;
}

const isDecoder = (unit: string): boolean => unit.startsWith("up_blocks.");

/**
 * Gates of Faster Diffusion.
 *
 * @param keys The steps at which the encoder and the middle run.
 */
export const fasterDiffusionGates = (
  net: SuperNet,
  keys: readonly number[],
): Gates =>
  gatesWhere(net, (t, n) =>
    keys.includes(t) || isDecoder(net.units[n]) ||
    net.units[n] === net.model.output);

/** Faster Diffusion at the most key steps that fit; the decoder runs at every step, so that none may fit. */
export const fasterDiffusion = keyMethod("faster-diffusion", {
  keys: (i, steps) => authorsKeys(steps + 1 - i, steps),
  plan: (net, keys) => ({ gates: fasterDiffusionGates(net, keys) }),
  refusal: ({ net }) =>
    net.units.some(isDecoder) && holdsOutputs(net)
      ? undefined
      : "it needs a UNet whose units hold their outputs",
});
