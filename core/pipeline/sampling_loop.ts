/** The loop of every sampler: T times a prediction, then the scheduler's arithmetic on it. */
import type { Sampler } from "../samplers/sampler.ts";
import type { SamplerState, StepInputs } from "../samplers/sampler_state.ts";

/** How one loop predicts and steps; `V` is how it holds `[B, C, H, W]`. */
export interface LoopSteps<V> {
  /** The guided prediction of step i. */
  predict(i: number, state: SamplerState<V>): Promise<V>;
  /** The state after step i. */
  next(
    i: number,
    made: Pick<StepInputs<V>, "state" | "prediction">,
  ): SamplerState<V> | Promise<SamplerState<V>>;
}

/** The final latents of a sampler that starts from a state. */
export async function samplingLoop<V>(
  { steps }: Sampler,
  start: SamplerState<V>,
  { predict, next }: LoopSteps<V>,
): Promise<V> {
  let state = start;
  for (const i of steps.keys()) {
    state = await next(i, { state, prediction: await predict(i, state) });
  }
  return state.latents;
}
