/** What the steps of a run need: disk, memory and arithmetic, from shapes alone. */
import type { Step, StepKind } from "../engine/step.ts";
import type { StepTools } from "../run/steps/step_tools.ts";

const bytesOfFloat = 4;

export interface Resources {
  readonly weightBytes: number;
  /** What is kept of the pictures of every row and of the full model. */
  readonly pictureBytes: number;
  /** Of the step that holds most. */
  readonly memoryBytes: number;
  /** Total convention; searches with their calibration; pictures, decoding and latency rounds. */
  readonly macs: { readonly search: number; readonly sampling: number };
}

/** Counts the steps of one run. */
export function resourcesOf(
  { sizes, counted }: StepTools,
  steps: readonly Step[],
): Resources {
  const { batch } = counted.experiment.evaluation;
  const costOf = (...kinds: StepKind[]) =>
    steps.filter(({ kind }) => kinds.includes(kind))
      .reduce((sum, { cost }) => sum + cost, 0);
  const images = batch * steps.filter(({ kind }) => kind === "sample").length;
  return {
    weightBytes: sizes.weightBytes,
    pictureBytes: images * bytesOfFloat * 3 * sizes.side ** 2,
    memoryBytes: steps.reduce((most, { memory }) => Math.max(most, memory), 0),
    macs: {
      search: costOf("calibration", "search", "fit"),
      sampling: costOf("sample", "latency") + images * sizes.decoderMacs,
    },
  };
}

/** With a digit after the point where it counts. */
export const gigabytes = (bytes: number): string =>
  bytes < 1e8
    ? `${(bytes / 1e6).toFixed(1)} MB`
    : `${(bytes / 1e9).toFixed(1)} GB`;
