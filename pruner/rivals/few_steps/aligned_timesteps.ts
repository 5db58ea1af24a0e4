/**
 * Align Your Steps (Sabour et al., ICML 2024, arXiv 2404.14507) for any number of
 * steps: its ten sigmas, and the least one, with log sigma linear in between, as
 * its authors advise.
 */
import {
  type AlignedSteps,
  alignedSteps,
  type TrainedNoise,
} from "@dip-go/core/samplers";
import { range } from "../../numbers.ts";

/** The tables of timesteps. */
export const alignedTables = [
  "ays-sd15",
  "ays-sdxl",
] as const satisfies readonly AlignedSteps[];

/** The largest difference of a model's first sigma from the table's, as a part. */
const tolerance = 0.01;

/**
 * The timesteps, descending.
 *
 * @param noise The noise that the model was trained with.
 * @returns The timesteps, or the reason why the model has none.
 */
export function alignedTimesteps(
  noise: TrainedNoise | undefined,
  { table, steps }: {
    readonly table: typeof alignedTables[number];
    readonly steps: number;
  },
): number[] | string {
  const { timesteps, sigmas: [first] } = alignedSteps[table];
  const found = noise?.sigmaAt(timesteps[0]) ?? NaN;
  if (!noise || !(Math.abs(found / first - 1) < tolerance)) {
    return `${table} is for noise whose largest sigma is ${first}, the model's is ${found}`;
  }
  const logs = [...timesteps, 0].map((t) => Math.log(noise.sigmaAt(t)));
  const placed = range(steps).map((i) => {
    const at = i * timesteps.length / steps;
    const low = Math.floor(at);
    const log = logs[low] + (at - low) * (logs[low + 1] - logs[low]);
    return Math.round(noise.timestepAt(Math.exp(log)));
  });
  return new Set(placed).size === steps
    ? placed
    : `${table} has no ${steps} different timesteps`;
}
