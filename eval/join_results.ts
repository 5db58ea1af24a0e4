/** Several runs as one list of rows, each row knowing its run. */

import type { ResultRow, Results } from "./results.ts";

/** A row together with what its run says of all its rows. */
export interface JoinedRow extends ResultRow {
  experiment: string;
  model: string;
  /** Sampler and steps, such as "ddim 20". */
  sampler: string;
}

/**
 * The rows of all runs in the order given. A second run of an experiment is
 * called "name (2)", so that its rows can be told apart.
 */
export function joinResults(runs: readonly Results[]): JoinedRow[] {
  const seen = new Map<string, number>();
  return runs.flatMap(({ experiment, model, sampler, rows }) => {
    const count = (seen.get(experiment) ?? 0) + 1;
    seen.set(experiment, count);
    const run = {
      experiment: count === 1 ? experiment : `${experiment} (${count})`,
      model,
      sampler: `${sampler.name} ${sampler.steps}`,
    };
    return rows.map((row) => ({ ...run, ...row }));
  });
}
