/** The estimates of the steps that search. */
import { assertAlmostEquals } from "@std/assert";
import { methodOf } from "@dip-go/pruner/methods";
import { cpuIdentity, provenance, withTiny } from "@dip-go/testing/runs";
import { inOrder } from "../../../engine/step_graph.ts";
import { allTargets, experimentSteps } from "../experiment_steps.ts";
import { openStepTools } from "../step_tools.ts";

Deno.test("Searches and fits of all budgets are estimated at what the method's search costs, once", () =>
  withTiny(async (tiny, { root, log }) => {
    const sparsity = [0.25, 0.5, 0.75];
    for (const name of ["dip-go+steps", "random", "learned-solver"]) {
      const experiment = { ...tiny, methods: [name], mainMethod: name };
      const identity = await cpuIdentity({ ...experiment, sparsity });
      const part = { root, identity, provenance };
      await using tools = await openStepTools(part, { log });
      const { counted } = tools;
      const { search } = counted.experiment;
      const estimated = inOrder(allTargets(experimentSteps(tools)))
        .filter(({ kind }) => kind === "search" || kind === "fit")
        .reduce((sum, { cost }) => sum + cost, 0);
      const net = counted.searchedNet;
      const budgets = sparsity
        .map((target) => search.batch * counted.budget(target));
      const expected = methodOf(name).searchCost?.({ net, search, budgets });
      assertAlmostEquals(estimated, expected ?? 0, 1);
    }
  }));
