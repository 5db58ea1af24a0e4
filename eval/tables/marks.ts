/**
 * Judges a table's differences, which decide the marks beside means and the bold
 * means. Both are judged over the whole table at once, by Holm's rule, so that a
 * large table does not mark differences that chance alone makes.
 */
import { leastSamples } from "../statistics/bootstrap.ts";
import { holm, type JudgedDifference, pValue } from "../statistics/holm.ts";
import type { JoinedRow } from "./join_results.ts";
import type { Difference, MetricValue } from "./results.ts";

/** A mark: higher than, lower than, not told apart from the method that a row is compared with. */
export type Mark = "▲" | "▼" | "≈";

/** Whether there are enough samples for an interval; unknown counts are trusted. */
export const hasInterval = ({ n }: MetricValue): boolean =>
  n === undefined || n >= leastSamples;

/** The mean that a table shows, with its interval: an error's geometric mean, if known. */
export const shownMean = (value: MetricValue) => value.geometric ?? value;

/** The difference to judge; for errors it is the logarithm of their ratio. */
function judged({ ratio, ...difference }: Difference): JudgedDifference {
  if (!ratio) return difference;
  const [mean, low, high] = [ratio.mean, ratio.low, ratio.high].map(Math.log);
  return { difference: mean, low, high };
}

function significantOf(
  differences: readonly Difference[],
): ReadonlySet<Difference> {
  const significant = holm(differences.map((each) => pValue(judged(each))));
  return new Set(differences.filter((_, i) => significant[i]));
}

export class TableMarks {
  readonly #marked: ReadonlySet<Difference>;
  readonly #fromBest: ReadonlySet<Difference>;

  constructor(rows: readonly JoinedRow[]) {
    const values = rows.flatMap(({ metrics }) => Object.values(metrics))
      .filter(hasInterval);
    const of = (name: "versus" | "toBest") =>
      significantOf(values.flatMap((value) => value[name] ?? []));
    this.#marked = of("versus");
    this.#fromBest = of("toBest");
  }

  /** The mark of a value's difference to its run's main method. */
  markOf(value: MetricValue): Mark | undefined {
    const { versus } = value;
    if (!versus || !hasInterval(value)) return undefined;
    if (!this.#marked.has(versus)) return "≈";
    return judged(versus).difference > 0 ? "▲" : "▼";
  }

  /** Whether a row's metric is the best of its group, or not told apart from the best. */
  isBest(
    name: string,
    row: JoinedRow,
    { group, higherIsBetter }: {
      readonly group: readonly JoinedRow[];
      readonly higherIsBetter: boolean | undefined;
    },
  ): boolean {
    const rivals = group.filter(({ metrics }) => metrics[name]);
    if (rivals.length < 2 || higherIsBetter === undefined) return false;
    const sign = higherIsBetter ? 1 : -1;
    const meanOf = ({ metrics }: JoinedRow) =>
      sign * shownMean(metrics[name]).mean;
    const best = rivals.reduce((a, b) => meanOf(b) > meanOf(a) ? b : a);
    if (meanOf(row) === meanOf(best)) return true;
    return row.experiment === best.experiment && this.#isLike(name, row, best);
  }

  /** Whether a difference between two rows of a run was judged and is not significant. */
  #isLike(name: string, row: JoinedRow, best: JoinedRow): boolean {
    const [value, other] = [row.metrics[name], best.metrics[name]];
    if (!hasInterval(value)) return false;
    if (value.toBest?.method === best.method) {
      return !this.#fromBest.has(value.toBest);
    }
    // Results without `toBest` know differences to the main method alone.
    const { versus } = value.versus?.method === best.method
      ? value
      : other.versus?.method === row.method
      ? other
      : {};
    return versus !== undefined && !this.#marked.has(versus);
  }
}
