/**
 * DiP-GO (Zhu et al., "DiP-GO: A Diffusion Pruner via Few-step Gradient
 * Optimization", NeurIPS 2024, arXiv 2410.16942): a pruner network is trained
 * once, and its scores serve every budget by Algorithm 1.
 */
import { fitBudget } from "../budget/fit_budget.ts";
import { networkTrainingCost } from "../budget/gate_costs.ts";
import { type Method, planned } from "../method.ts";
import { trainings } from "../search_settings.ts";
import { trainScores } from "./train_scores.ts";

/** Makes the method of a training, whose settings are a part of the search settings. */
function networkMethod(name: keyof typeof trainings): Method {
  const part = trainings[name];
  return {
    name,
    settings: [part, "fit"],
    searches: "by gradient",
    reads: ({ search }) => ({ [part]: search[part], fit: search.fit }),
    parts: ({ search }) => [{ name, reads: search[part] }],
    searchCost: ({ net, search }) => networkTrainingCost(net, search[part]),
    async fit(context, maxCost) {
      const { net, search: { [part]: options, fit: kind } } = context;
      const { cascade } = options;
      const trained = await context.once(
        { name, reads: options },
        (place) => trainScores(context, options, place),
      );
      // Without a gate, the whole step has the highest score, so that it is kept.
      const scores = options.wholeStep
        ? trained
        : trained.map((row) => [...row, Infinity]);
      return planned({
        gates: fitBudget(net, scores, { maxCost, kind, cascade }),
      });
    },
  };
}

/** DiP-GO as published. */
export const dipGo: Method = networkMethod("dip-go");

/** DiP-GO with this project's additions: the whole step as a unit, other initial weights, and AdamW. */
export const dipGoSteps: Method = networkMethod("dip-go+steps");
