/** The full sampler's trajectories that a learned solver is fitted to, with outputs by half of guidance. */
import { guide, halvesOf } from "@dip-go/core/pipeline";
import {
  nextState,
  type Sampler,
  type SamplerState,
  startState,
} from "@dip-go/core/samplers";
import { float32, times } from "@dip-go/core/tensor";
import type { SolverInputs, SolverSessions } from "@dip-go/supernet/solver";
import type { SearchSettings } from "../../search_settings.ts";

/** B pictures' trajectories; arrays are `[B, C, H, W]`, flat. */
export interface TeacherBatch extends SolverInputs {
  /** The state before each step of the pruned sampler. */
  readonly states: readonly SamplerState[];
  /** The network's outputs at each step, `[halves, B, C, H, W]`. */
  readonly outputs: readonly Float32Array[];
  readonly predictions: readonly Float32Array[];
  /** The latents that the solver should end at. */
  readonly target: Float32Array;
}

interface Guided {
  readonly sampler: Sampler;
  readonly guidanceScale: number;
}

/** A sampler's trajectories from some starts. */
export interface Trajectories extends Guided {
  readonly batches: readonly TeacherBatch[];
}

export interface Teacher extends Trajectories {
  /** Whether the trajectories are a finer sampler's. */
  readonly isFine: boolean;
}

/** The settings that trajectories depend on. */
export type TeacherSettings = Pick<
  SearchSettings["solver"],
  "pairs" | "teacher"
>;

/** The number of trajectories that a search draws, in whole batches. */
export const trajectoriesOf = (
  { batch, solver: { pairs } }: Pick<SearchSettings, "batch" | "solver">,
): number => batch * Math.ceil(pairs / batch);

/**
 * The steps of a finer sampler at the timesteps of another.
 *
 * @throws {RangeError} If a timestep is not among the finer sampler's.
 */
export function sharedSteps(
  { name, steps }: Sampler,
  finer: Sampler,
): readonly number[] {
  return steps.map(({ timestep }) => {
    const at = finer.steps.findIndex((each) => each.timestep === timestep);
    if (at !== -1) return at;
    throw new RangeError(
      `Cannot learn from ${finer.steps.length} calls of ${name}: they lack timestep ${timestep}, one of ${steps.length}; expected steps of the teacher (--teacher-steps, solver.teacher.steps) whose timesteps include the sampler's, often a multiple of its steps`,
    );
  });
}

/** A finer sampler's trajectories at some of its steps. */
export const atSteps = (
  { states, outputs, predictions, ...batch }: TeacherBatch,
  steps: readonly number[],
): TeacherBatch => ({
  ...batch,
  states: steps.map((step) => states[step]),
  outputs: steps.map((step) => outputs[step]),
  predictions: steps.map((step) => predictions[step]),
});

/** Makes one call of the full sampler from a state. */
export async function fullCall(
  sessions: SolverSessions,
  { sampler, guidanceScale: scale }: Guided,
  { step, state, conditioning }:
    & Pick<SolverInputs, "conditioning">
    & { readonly step: number; readonly state: SamplerState },
) {
  const { shape } = sessions;
  const { timestep, inputScale } = sampler.steps[step];
  const outputs = await sessions.evaluate({
    halves: "both",
    timestep: float32([1], [timestep]),
    sample: float32(shape, times(state.latents, inputScale)),
    conditioning,
  });
  const prediction = guide(outputs, { latents: shape, scale });
  const own = { state, prediction, images: shape[0] };
  return { outputs, prediction, next: nextState(sampler, step, own) };
}

/** Samples the full sampler's trajectories from the start of one batch. */
export async function teacherBatch(
  sessions: SolverSessions,
  setup: Guided,
  inputs: SolverInputs,
): Promise<TeacherBatch> {
  let next = startState(setup.sampler, inputs.latents.data);
  const states: SamplerState[] = [];
  const outputs: Float32Array[] = [];
  const predictions: Float32Array[] = [];
  for (const step of setup.sampler.steps.keys()) {
    const state = next;
    const call = { ...inputs, step, state };
    const made = await fullCall(sessions, setup, call);
    states.push(state);
    outputs.push(made.outputs);
    predictions.push(made.prediction);
    next = made.next;
  }
  return { ...inputs, states, outputs, predictions, target: next.latents };
}

/** The weights of the halves' outputs in a guided prediction: s and 1 − s, or 1 without guidance. */
export const guidanceWeights = (scale: number): readonly number[] =>
  halvesOf(scale) === 2 ? [scale, 1 - scale] : [1];
