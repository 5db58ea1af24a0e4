/** Budgets of milliseconds for `prune`: times of the sampler's pieces on this machine, and of the plans. */
import type {
  PipelineSampler,
  SamplingInputs,
  Subject,
} from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { interleave } from "@dip-go/eval/statistics";
import {
  denseCost,
  denseGates,
  type Plan,
  superNetOf,
} from "@dip-go/supernet/gates";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import { openSolver, planCost } from "@dip-go/supernet/solver";
import { fitToTime } from "../../measure/fit_to_time.ts";
import { quietMachine } from "../../engine/quiet_machine.ts";
import {
  type PieceTimes,
  pieceTimes,
  sparsityWithin,
} from "../../measure/piece_times.ts";

/** The number of rounds in which plans and the full sampler take turns. */
const rounds = 5;

/** Times a sampler at one picture; unless `busyOk`, nothing else may keep the machine busy. */
export class SamplerTimes {
  #conditioning: Promise<SamplingInputs["conditioning"]> | undefined;

  constructor(
    private readonly sampler: PipelineSampler,
    private readonly options: {
      readonly subject: Subject;
      readonly busyOk: boolean;
    },
  ) {}

  #conditioned(): Promise<SamplingInputs["conditioning"]> {
    return this.#conditioning ??= (async () => {
      await using conditioner = await this.sampler.openConditioner();
      return await conditioner.conditioning([this.options.subject]);
    })();
  }

  /** The times of the pieces that budgets are made of. */
  async pieces(): Promise<PieceTimes> {
    const conditioning = await this.#conditioned();
    await using _quiet = await quietMachine("pieces", this.options);
    return await pieceTimes(this.sampler, { images: 1, conditioning });
  }

  /** Milliseconds of each plan, and of the full sampler last: medians of rounds in which they take turns. */
  async plans(plans: readonly Plan[]): Promise<number[]> {
    const { sampler } = this;
    await using opened = new AsyncDisposableStack();
    const net = superNetOf(sampler);
    const runner = opened.use(
      new SubNetRunner(net, sampler.pipeline.sessions),
    );
    const gates = denseGates(net.steps, net.units.length);
    const random = new TorchGenerator(0);
    const conditioning = await this.#conditioned();
    const inputs = sampler.inputs(conditioning, { images: 1, random });
    const runs: Record<string, () => Promise<unknown>> = {};
    const all = [...plans, { gates, solver: undefined }];
    for (const [i, { solver, ...plan }] of all.entries()) {
      const subNet = opened.use(
        solver
          ? openSolver(sampler, solver, { images: 1 })
          : await openFusedSubNet(runner, plan),
      );
      runs[i] = () => subNet.sample(inputs);
    }
    await using _quiet = await quietMachine("plans", this.options);
    const times = await interleave(runs, { rounds });
    return all.map((_, i) => times[i].median);
  }
}

/**
 * The plans for budgets of milliseconds, in descending order.
 *
 * @param options.pruned Finds plans that leave out shares of the full sampler's cost, in ascending order.
 * @throws As {@linkcode sparsityWithin}, before any search.
 */
export async function plansWithin(
  budgets: readonly number[],
  { sampler, costs, times, pruned }: {
    readonly sampler: PipelineSampler;
    readonly costs: PieceTimes;
    readonly times: Pick<SamplerTimes, "plans">;
    pruned(shares: readonly number[]): Promise<Plan[]>;
  },
): Promise<Plan[]> {
  const net = superNetOf(sampler, { costs });
  const full = denseCost(net) / 1e6;
  const { steps: calls } = net;
  const { name } = sampler.pipeline;
  const shareOf = (ms: number) => sparsityWithin(ms, { full, calls, name });
  const first = await pruned(budgets.map(shareOf));
  const fit = async (
    asked: readonly number[],
  ): Promise<(Plan | undefined)[]> => {
    try {
      return await pruned(asked.map((ms) => 1 - ms / full));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const larger = asked.slice(0, -1); // no plan fits the least
      return [...larger.length > 0 ? await fit(larger) : [], undefined];
    }
  };
  const plans = await fitToTime<Plan>(budgets, first, {
    range: [full / calls, 0.999 * full],
    fit,
    foretold: (plan) => planCost(net, plan) / 1e6,
    measure: async (fitted) => (await times.plans(fitted)).slice(0, -1),
  });
  return plans.map((plan) => plan!);
}
