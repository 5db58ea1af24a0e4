/// <reference lib="dom" />
/** The comparison in figures, after both pictures are drawn. */
import { html } from "@dip-go/eval/report/page";
import type { Planes, Side } from "./messages.ts";

/** One side's outcome. */
export interface Outcome {
  readonly ms: number;
  readonly macs: number;
  readonly picture: Planes;
}

/** Peak signal-to-noise ratio in dB between pictures, which are clamped to [-1, 1]. */
export function likeness(a: Planes, b: Planes): number {
  const cut = (value: number) => Math.min(1, Math.max(-1, value));
  const squares = a.data.reduce(
    (sum, value, i) => sum + (cut(value) - cut(b.data[i])) ** 2,
    0,
  );
  return 10 * Math.log10(4 / (squares / a.data.length));
}

/** Elements with the figures and their meanings. */
export function verdict(
  { full, pruned }: Readonly<Record<Side, Outcome>>,
): HTMLElement[] {
  const figure = (value: string, meaning: string) =>
    html("div", {}, html("strong", {}, value), " ", html("span", {}, meaning));
  const times = (ratio: number) => `${ratio.toFixed(1)}×`;
  const psnr = likeness(full.picture, pruned.picture);
  return [
    figure(times(full.ms / pruned.ms), "faster, measured in this tab"),
    figure(times(full.macs / pruned.macs), "fewer multiply-accumulates"),
    figure(
      Number.isFinite(psnr) ? `${psnr.toFixed(1)} dB` : "equal",
      "likeness of the pictures (PSNR)",
    ),
  ];
}
