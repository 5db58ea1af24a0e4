/** Heun's method on the flow's ODE, as diffusers' `FlowMatchHeunDiscreteScheduler` steps it without churn: two calls a step, but for the last. */
import { type Sampler, samplerOf, type SamplerStep } from "../../sampler.ts";
import type { StepOptions } from "../../schedule/timesteps.ts";
import {
  constantShift,
  evenLevels,
  type FlowConfig,
  toDouble,
} from "./flow_levels.ts";

/** Heun at T levels: 2 T − 1 calls. @throws {RangeError} If the steps are out of range. */
export function makeFlowMatchHeun(
  config: FlowConfig,
  { steps = 0, begin = 0 }: StepOptions,
): Sampler {
  const shift = constantShift(config.shift);
  const sigmas = evenLevels(config, steps, shift)
    .map((sigma) => Math.fround(shift(sigma, toDouble)));
  const call = (
    i: number,
    step: Pick<SamplerStep, "latents" | "predictions">,
  ) => ({
    timestep: Math.fround(sigmas[i] * config.numTrainTimesteps),
    inputScale: 1,
    noise: 0,
    ...step,
  });
  return samplerOf({
    name: "flow-heun",
    level: { signal: 1 - sigmas[begin], noise: sigmas[begin] },
    steps: sigmas.flatMap((sigma, i) => {
      const isLast = i === steps - 1;
      const h = Math.fround((sigmas[i + 1] ?? 0) - sigma);
      const first = call(i, { latents: [1], predictions: [h] });
      // From the latents before the first call, by the mean of both slopes.
      const mean = { latents: [0, 1], predictions: [h / 2, h / 2] };
      return isLast ? [first] : [first, call(i + 1, mean)];
    }).slice(2 * begin),
  });
}
