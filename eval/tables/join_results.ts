/** Several runs as one list of rows, each row knowing its run. */

import type { MetricValue, ResultRow, Results } from "./results.ts";
import { unpairedDifference } from "../statistics/unpaired_difference.ts";

/** A row with its run's experiment, model and sampler. */
export interface JoinedRow extends ResultRow {
  experiment: string;
  model: string;
  /** Sampler and steps, such as "ddim 20". */
  sampler: string;
  /** As its run counts gradients. */
  gradientPasses?: number;
}

/**
 * The rows of all runs in the order given. A second run of an experiment is
 * called "name (2)", so that its rows can be told apart. Rows keep the paired
 * difference to their own run's main method; what has none in a later run, as
 * that main method itself, is compared with the first run's at the same
 * sparsity, by {@linkcode unpairedDifference}, where both prune one model.
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

/** The method that a run's rows are paired with; where none is, the only one that prunes, if there is one. */
export function mainMethodOf({ rows }: Results): string | undefined {
  const paired = rows.flatMap(({ metrics }) => Object.values(metrics))
    .find(({ versus }) => versus)?.versus?.method;
  const pruning = rows.filter(({ sparsity, source }) =>
    sparsity > 0 && source !== "paper"
  );
  const methods = new Set(pruning.map(({ method }) => method));
  return paired ?? (methods.size === 1 ? [...methods][0] : undefined);
}

/** A later run's rows; values without a comparison get one with the first run's main method. */
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
