/** How configs ask for predicted clean samples to be kept in the data's range. */
import type { Clip } from "../sampler.ts";
import type { SchedulerConfig } from "./scheduler_config.ts";

/**
 * Refuses dynamic thresholding (Imagen, section 2.3), a quantile of each sample.
 *
 * @throws {TypeError} If the config asks for it.
 */
export function refuseThresholding(
  { thresholding }: SchedulerConfig,
  name: string,
): void {
  if (!thresholding) return;
  throw new TypeError(
    `Cannot make ${name}: thresholding is true, expected false (not supported)`,
  );
}

/**
 * The `clip` of a step, if the config clips.
 *
 * @param byDefault Whether a silent config clips.
 */
export function clipOf(
  { clipSample, clipSampleRange: limit }: SchedulerConfig,
  { byDefault, ...clip }: Omit<Clip, "limit"> & { readonly byDefault: boolean },
): { readonly clip?: Clip } {
  return clipSample ?? byDefault ? { clip: { ...clip, limit } } : {};
}
