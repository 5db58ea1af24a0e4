/**
 * GITS (Chen et al., "On the Trajectory Regularity of ODE-based Diffusion
 * Sampling", ICML 2024, arXiv 2405.11326), after its authors' code
 * (`zju-pi/diff-sampler`): the timesteps of few steps are the cheapest path along
 * a fine sampler's trajectories, found by dynamic programming.
 */
import type { AnotherSolver, TrainedNoise } from "@dip-go/core/samplers";
import { denseCost } from "@dip-go/supernet/gates";
import { type Method, noPlan } from "../../method.ts";
import { range, rowsOf } from "../../numbers.ts";
import type { SearchSettings } from "../../search_settings.ts";
import { cheapestPath } from "../../search/forecast_path.ts";
import type {
  TeacherBatch,
  Trajectories,
} from "../../search/learned_solver/teacher.ts";
import { type ChordPath, deviationCosts, meanOf } from "./deviation_costs.ts";
import { stepsWithin } from "./fewer_steps.ts";

type Settings = Pick<SearchSettings, "gits">;

/** The one solver that takes timesteps and is of high order. */
const solverOf = ({ gits: { order } }: Settings): AnotherSolver => ({
  kind: "dpm-solver++",
  order,
});

/** The part that measures costs, which serve every budget. */
const costsPart = ({ gits: { steps, order } }: Settings) => ({
  name: "gits-costs",
  reads: { steps, order },
});

/** DPM-Solver++ with as many steps as the budget pays for, at GITS' timesteps. */
export const gits: Method = {
  name: "gits",
  settings: ["gits"],
  unplanned: "its result is the full sampler with fewer steps",
  searches: "by samples",
  reads: ({ search }) => ({ gits: search.gits }),
  parts: ({ search }) => [costsPart(search)],
  searchCost: ({ net, search: { calibration, gits: { steps } } }) =>
    calibration * steps * denseCost(net) / net.steps,
  pictures: ({ search: { batch, calibration } }) => batch * calibration,
  async fit({ search, ...context }, maxCost) {
    const noise = context.trainedNoise();
    if (!noise) {
      return noPlan("the network was not trained on noise of betas");
    }
    const solver = solverOf(search);
    const { steps: fine, growth } = search.gits;
    const { timesteps, costs } = await context.once(
      costsPart(search),
      async () => timedCosts(await context.trajectories(fine, solver), noise),
    );
    const most = stepsWithin(context, maxCost, solver);
    if (typeof most === "string") return noPlan(most);
    const steps = Math.min(fine, most);
    const keys = cheapestPath(costs, steps, growth);
    const chosen = keys.map((key) => timesteps[key]);
    return { kind: "steps", steps, solver: { ...solver, timesteps: chosen } };
  },
};

/** The timesteps of trajectories, and the mean costs of jumps between them. */
function timedCosts({ sampler, batches }: Trajectories, noise: TrainedNoise) {
  const timesteps = sampler.steps.map(({ timestep }) => timestep);
  const sigmas = [...timesteps.map(noise.sigmaAt), 0];
  const paths = batches.flatMap((batch) => pathsOf(batch, timesteps, noise));
  const costs = meanOf(paths.map((path) => deviationCosts(path, sigmas)));
  return { timesteps, costs };
}

/** The paths of a batch's pictures. */
function pathsOf(
  { latents: { shape: [images] }, states, predictions, target }: TeacherBatch,
  timesteps: readonly number[],
  noise: TrainedNoise,
): ChordPath[] {
  const ends = rowsOf(target, images);
  const noisy = states.map((state) => rowsOf(state.latents, images));
  const predicted = predictions.map((each) => rowsOf(each, images));
  return range(images).map((b) => ({
    points: [
      ...timesteps.map((timestep, i) => {
        const scale = Math.hypot(noise.sigmaAt(timestep), 1); // 1 / signal
        return Float64Array.from(noisy[i][b], (value) => scale * value);
      }),
      Float64Array.from(ends[b]),
    ],
    slopes: timesteps.map((timestep, i) => {
      const { x, prediction } = noise.epsilonAt(timestep);
      return Float64Array.from(
        noisy[i][b],
        (value, e) => x * value + prediction * predicted[i][b][e],
      );
    }),
  }));
}
