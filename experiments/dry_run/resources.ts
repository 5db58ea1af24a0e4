/** The disk, memory and arithmetic that the steps of a run need, from shapes alone. */
import { sizeOf } from "@dip-go/core/tensor";
import type { Step, StepKind } from "../engine/step.ts";
import type { StepTools } from "../run/steps/step_tools.ts";

const bytesOfFloat = 4;

export interface Resources {
  readonly weightBytes: number;
  /** Bytes of the final latents of every row and of the full model, which are kept as their pictures. */
  readonly pictureBytes: number;
  /** Bytes of the full sampler's trajectories that searches work on. */
  readonly calibrationBytes: number;
  /** Memory of the step that needs most. */
  readonly memoryBytes: number;
  /** Total convention. `search`: calibration, searches, fits. `sampling`: pictures, decoding, timing. */
  readonly macs: { readonly search: number; readonly sampling: number };
}

/** Counts the steps of one run. */
export function resourcesOf(
  { sizes, counted }: StepTools,
  steps: readonly Step[],
): Resources {
  const { evaluation: { batch }, search } = counted.experiment;
  const costOf = (...kinds: StepKind[]) =>
    steps.filter(({ kind }) => kinds.includes(kind))
      .reduce((sum, { cost }) => sum + cost, 0);
  const countOf = (kind: StepKind) =>
    steps.filter((step) => step.kind === kind).length;
  const images = batch * countOf("sample");
  const latentBytes = bytesOfFloat * sizeOf(counted.full.latents);
  // a trajectory: latents and predictions of every step, the initial noise and the final latents
  const pathBytes = (2 * counted.net.steps + 2) * latentBytes;
  return {
    weightBytes: sizes.weightBytes,
    pictureBytes: images * latentBytes,
    calibrationBytes: countOf("calibration") * search.batch * pathBytes,
    memoryBytes: steps.reduce((most, { memory }) => Math.max(most, memory), 0),
    macs: {
      search: costOf("calibration", "search", "fit"),
      sampling: costOf("sample", "latency") + images * sizes.decoderMacs,
    },
  };
}

/** Bytes as text in MB or GB, with one decimal. */
export const gigabytes = (bytes: number): string =>
  bytes < 1e8
    ? `${(bytes / 1e6).toFixed(1)} MB`
    : `${(bytes / 1e9).toFixed(1)} GB`;
