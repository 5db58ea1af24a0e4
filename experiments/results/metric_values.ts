/** Turns values of samples into a row's metrics: means, intervals, quantiles, paired differences. */
import {
  type Interval,
  pooledInterval,
  quantile,
} from "@dip-go/eval/statistics";
import {
  type Difference,
  metricInfo,
  type MetricValue,
} from "@dip-go/eval/tables";
import type { SetValue } from "@dip-go/eval/metrics";
import type { MeasuredRow } from "./measured_row.ts";

/** A row's values under its method's name. */
export interface SeededRow {
  readonly method: string;
  /** By metric name: a value for each search seed and sample, `[S, n]`, or one value of all samples. */
  readonly metrics: Readonly<Record<string, Values | SetValue>>;
}

/** The rows of one sparsity. */
export interface RowGroup {
  readonly rows: readonly SeededRow[];
  /** The method that every other is paired with. */
  readonly main: string | undefined;
  /** The number of noises, if samples share them in turn: pictures of one noise count as one sample. */
  readonly noises?: number;
}

type Values = readonly (readonly number[])[];

const valuesOf = (row: SeededRow | undefined, name: string) => {
  const found = row?.metrics[name];
  return found && !("mean" in found) ? found : undefined;
};

/** The mean of some values. */
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Means over the samples of each noise. */
const byNoise = (values: Values, noises = Infinity): Values =>
  values.map((of) =>
    of.length <= noises
      ? of
      : Array.from({ length: noises }, (_, k) =>
        meanOf(of.filter((_, i) => i % noises === k)))
  );

/** Whether a metric's values are compared in logarithms. */
const areErrors = (name: string, values: Values): boolean =>
  metricInfo(name).inLogs === true &&
  values.every((of) => of.every((value) => value > 0));

const logsOf = (values: Values): Values => values.map((of) => of.map(Math.log));

/** e to the power of a mean and of its bounds; without bounds if the interval has none. */
function exponential({ mean, low, high }: Interval) {
  return {
    mean: Math.exp(mean),
    ...low === undefined ? {} : { low: Math.exp(low) },
    ...high === undefined ? {} : { high: Math.exp(high) },
  };
}

const minus = (a: Values, b: Values): Values =>
  a.map((of, s) => of.map((value, i) => value - b[s][i]));

/** The mean difference of a row from a rival; undefined if the samples are too few for an interval. */
function differenceTo(
  rival: SeededRow,
  name: string,
  { own, noises }: { readonly own: Values; readonly noises?: number },
): Difference | undefined {
  const other = valuesOf(rival, name);
  if (!other || other.length !== own.length) return undefined;
  const of = (a: Values, b: Values) =>
    pooledInterval(byNoise(minus(a, b), noises));
  const { mean: difference, low, high } = of(own, other);
  if (low === undefined || high === undefined) return undefined;
  const errors = areErrors(name, [...own, ...other]);
  const ratio = errors
    ? exponential(of(logsOf(own), logsOf(other)))
    : undefined;
  return {
    method: rival.method,
    difference,
    low,
    high,
    ...ratio && { ratio: { ...ratio, low: ratio.low!, high: ratio.high! } },
  };
}

/** The row with the best mean of a metric; undefined if no direction is better. */
function bestOf({ rows }: RowGroup, name: string): SeededRow | undefined {
  const { higherIsBetter } = metricInfo(name);
  if (higherIsBetter === undefined) return undefined;
  const sign = higherIsBetter ? 1 : -1;
  const scored = rows.flatMap((row) => {
    const values = valuesOf(row, name);
    if (!values) return [];
    const shown = areErrors(name, values) ? logsOf(values) : values;
    return [{ row, score: sign * meanOf(shown.flat()) }];
  });
  return scored.sort((a, b) => b.score - a.score)[0]?.row;
}

function metricValue(
  name: string,
  row: SeededRow,
  group: RowGroup,
): MetricValue {
  const own = row.metrics[name];
  if ("mean" in own) return own;
  const { noises } = group;
  const all = own.flat().sort((a, b) => a - b);
  const worst = metricInfo(name).higherIsBetter === false ? 0.9 : 0.1;
  const main = group.rows.find(({ method }) => method === group.main);
  const [versus, toBest] = [main, bestOf(group, name)].map((rival) =>
    rival && rival.method !== row.method
      ? differenceTo(rival, name, { own, noises })
      : undefined
  );
  const geometric = areErrors(name, own)
    ? exponential(pooledInterval(byNoise(logsOf(own), noises)))
    : undefined;
  return {
    ...bounded(pooledInterval(byNoise(own, noises)), metricInfo(name).most),
    ...noises === undefined ? {} : { mean: meanOf(own.flat()) },
    median: quantile(all, 0.5),
    worstTenth: quantile(all, worst),
    ...geometric && { geometric },
    ...versus && { versus },
    ...toBest && { toBest },
  };
}

/** An interval cut at the metric's largest possible value, beyond which few seeds may widen it. */
const bounded = (
  { high, ...own }: Interval,
  most = Infinity,
): Interval =>
  high === undefined ? own : { ...own, high: Math.min(high, most) };

/** The metrics of one row of a group. */
export const metricValues = (
  row: SeededRow,
  group: RowGroup,
): Record<string, MetricValue> =>
  Object.fromEntries(
    Object.keys(row.metrics).map((name) => [
      name,
      metricValue(name, row, group),
    ]),
  );

/** The mean over seeds of a value of all samples. */
const pooledSets = (values: readonly SetValue[]): SetValue =>
  values.length === 1
    ? values[0]
    : { mean: meanOf(values.map(({ mean }) => mean)), n: values[0].n };

/** Joins the rows of one method from several seeds. */
export function seeded(
  ...rows: readonly Pick<MeasuredRow, "method" | "metrics">[]
): SeededRow {
  const [{ method, metrics }] = rows;
  return {
    method,
    metrics: Object.fromEntries(
      Object.keys(metrics).map((name) => {
        const values = rows.map((row) => row.metrics[name]);
        const sets = values.flatMap((own) => "mean" in own ? [own] : []);
        return [name, sets.length > 0 ? pooledSets(sets) : values as Values];
      }),
    ),
  };
}
