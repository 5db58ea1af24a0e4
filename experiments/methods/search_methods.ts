/** The rivals that search: by gradient through the frozen sampler, or over whole steps. */
import { TorchGenerator } from "@dip-go/core/random";
import {
  denseCost,
  type Gates,
  subNetCost,
  type SubNetPlan,
} from "@dip-go/supernet/gates";
import { fitBudget, type Scores } from "@dip-go/pruner/budget";
import { searchByNetwork } from "@dip-go/pruner/network";
import { searchSubset, wholeStepGates } from "@dip-go/pruner/rivals";
import {
  fidelityTo,
  leastSquaresForecast,
  refineForecast,
  searchByEnergy,
} from "@dip-go/pruner/search";
import type { FittedPlan, Method, MethodContext } from "./method.ts";
import { noteIteration } from "../results/search_curves.ts";

const planned = (plan: SubNetPlan): FittedPlan => ({ kind: "gates", plan });

/** DiP-GO: the pruner network's scores, one training for every budget; held features are used as they are. */
export const dipGo: Method = {
  name: "dip-go",
  searches: true,
  reads: ({ search: { network, fit } }) => ({ network, fit }),
  async fit(context, maxCost) {
    const { net, setup, seed, search } = context;
    const scores: Scores = await context.once(
      "dip-go",
      async (checkpoint) =>
        searchByNetwork(
          {
            net,
            form: await context.form(),
            setup,
            batches: await context.calibration(),
            random: new TorchGenerator(seed),
            checkpoint,
            decode: context.decode,
          },
          search.network,
          ({ iteration, iterations, consistency, sparsityLoss }) => {
            noteIteration(checkpoint, iteration, {
              "consistency loss": consistency,
              "sparsity loss": sparsityLoss,
            });
            context.progress(iteration + 1, iterations);
          },
        ),
      search.network,
    );
    return planned({
      gates: fitBudget(net, scores, { maxCost, kind: search.fit }),
    });
  },
};

/** Gates by gradient energy from one walk for every budget, and the forecast fitted to them, refined by gradient. */
export const energyForecast: Method = {
  name: "energy+forecast",
  searches: true,
  reads: ({ search: { energy, refine }, sparsity }) => ({
    energy,
    refine,
    sparsity,
  }),
  async fit(context, maxCost) {
    const { runner, net, setup, seed, search, sparsity } = context;
    const batches = await context.calibration();
    const form = await context.form();
    const found = await searchByEnergy(
      { runner, form, setup, batches },
      { ...search.energy, seed, sparsity },
      {
        keep: (stage, make, sparsity) =>
          context.once(`energy-${stage}`, make, {
            energy: search.energy,
            sparsity,
          }),
        onProgress: (done, total) => context.progress(done, total),
      },
    );
    const { gates, forecast } = found.find(({ gates }) =>
      subNetCost(net, gates) <= maxCost
    )!;
    const refined = await refineForecast(form, setup, {
      gates,
      forecast,
      batches,
    }, search.refine);
    return planned({ gates, forecast: refined });
  },
};

/** Whole-step gates of the best k of T steps that a search finds. */
async function subsetGates(
  context: MethodContext,
  maxCost: number,
): Promise<Gates> {
  const { runner, net, setup, search } = context;
  const batches = await context.calibration();
  const k = Math.floor(maxCost / (denseCost(net) / net.steps));
  const { evaluations } = search.subset;
  const computed = await context.once(`subset-${k}`, () =>
    searchSubset(
      {
        sampler: setup.sampler,
        batches,
        async evaluate(computed) {
          const [batch] = batches;
          const gates = wholeStepGates(net, computed);
          const found = await runner.sample({ ...batch, ...setup, gates });
          return -fidelityTo(batch, found);
        },
      },
      { k, evaluations },
      (done) => context.progress(done, evaluations),
    ), search.subset);
  return wholeStepGates(net, computed);
}

/** The best k of T steps, predictions held in between. */
export const searchedSubset: Method = {
  name: "searched-subset",
  searches: true,
  reads: ({ search: { subset } }) => ({ subset }),
  async fit(context, maxCost) {
    return planned({ gates: await subsetGates(context, maxCost) });
  },
};

/** The same steps, with the forecast instead of holding: what the forecast alone brings. */
export const subsetForecast: Method = {
  name: "searched-subset+forecast",
  searches: true,
  reads: ({ search: { subset, refine } }) => ({ subset, refine }),
  async fit(context, maxCost) {
    const { runner, setup, search } = context;
    const gates = await subsetGates(context, maxCost);
    const batches = await context.calibration();
    const { forecast } = await leastSquaresForecast(runner, setup, {
      gates,
      batch: batches[0],
    });
    const form = await context.form();
    const refined = await refineForecast(form, setup, {
      gates,
      forecast,
      batches,
    }, search.refine);
    return planned({ gates, forecast: refined });
  },
};
