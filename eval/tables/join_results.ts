/** Joins several runs into one list of rows, each with its run's name. */

import type { MetricValue, ResultRow, Results } from "./results.ts";
import { unpairedDifference } from "../statistics/unpaired_difference.ts";

/** A row with its run's experiment, model and sampler. */
export interface JoinedRow extends ResultRow {
  experiment: string;
  model: string;
  /** The sampler and its steps, such as "ddim 20". */
  sampler: string;
  /** The passes that the run counts for a gradient. */
  gradientPasses?: number;
}

/**
 * Joins the rows of all runs in the given order. A second run of an experiment is
 * called "name (2)", so that its rows can be told apart. Rows keep the paired
 * difference to their own run's main method. In a later run, a value without one,
 * such as the main method's, is compared with the first run's main method at the
 * same sparsity, by {@linkcode unpairedDifference}, if both runs prune one model.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { joinResults } from "@dip-go/eval";
 *
 * const sampler = { name: "ddim", steps: 20 };
 * const row = {
 *   ...{ method: "gates", sparsity: 0.5, macs: 1e9, macsSpeedup: 2 },
 *   ...{ latencyMs: null, speedup: null, metrics: {} },
 * };
 * const run = { experiment: "toy", model: "sd", sampler, rows: [row] };
 * const names = joinResults([run, run]).map(({ experiment }) => experiment);
 * assertEquals(names, ["toy", "toy (2)"]);
 * ```
 */
export function joinResults(runs: readonly Results[]): JoinedRow[] {
  const seen = new Map<string, number>();
  const [first] = runs;
  return runs.flatMap((each, i) => {
    const { experiment, model, sampler, gradientPasses } = each;
    const rows = i === 0 ? each.rows : comparedRows(each, first);
    const count = (seen.get(experiment) ?? 0) + 1;
    seen.set(experiment, count);
    const run = {
      experiment: count === 1 ? experiment : `${experiment} (${count})`,
      model,
      sampler: `${sampler.name} ${sampler.steps}`,
      ...gradientPasses === undefined ? {} : { gradientPasses },
    };
    return rows.map((row) => ({ ...run, ...row }));
  });
}

/** The method that a run's rows are paired with; without pairs, the only pruning method, if there is just one. */
export function mainMethodOf({ rows }: Results): string | undefined {
  const paired = rows.flatMap(({ metrics }) => Object.values(metrics))
    .find(({ versus }) => versus)?.versus?.method;
  const pruning = rows.filter(({ sparsity, source }) =>
    sparsity > 0 && source !== "paper"
  );
  const methods = new Set(pruning.map(({ method }) => method));
  return paired ?? (methods.size === 1 ? [...methods][0] : undefined);
}

/** A later run's rows; values without a comparison are compared with the first run's main method. */
function comparedRows(run: Results, first: Results): ResultRow[] {
  const main = mainMethodOf(first);
  if (main === undefined || run.model !== first.model) return run.rows;
  const name = `${main} of ${first.experiment}`;
  return run.rows.map((row) => {
    const rival = first.rows.find(({ method, sparsity, source }) =>
      method === main && sparsity === row.sparsity && source !== "paper"
    );
    const metrics = Object.entries(row.metrics).map(([metric, value]) => [
      metric,
      compared(value, rival?.metrics[metric], name),
    ]);
    return { ...row, metrics: Object.fromEntries(metrics) };
  });
}

function compared(
  value: MetricValue,
  rival: MetricValue | undefined,
  method: string,
): MetricValue {
  const difference = !value.versus && rival && unpairedDifference(value, rival);
  return difference ? { ...value, versus: { method, ...difference } } : value;
}
