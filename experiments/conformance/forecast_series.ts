/** Compares forecasts of known series, recorded from several codes, with the payload here that matches each code. */
import {
  conform,
  finite,
  openRecord,
  readJson,
  wholeFrom,
} from "@dip-go/core/files";
import { tensor } from "@dip-go/core/tensor";
import { type Conformance, judgeOf } from "@dip-go/eval/conformance";
import { lateTaylor } from "@dip-go/pruner/rivals";
import { newton, taylor } from "@dip-go/supernet/gates";
import * as v from "valibot";

/** The weights of a forecast at step t, one for each value at the keys before t, newest first. */
type Weights = (
  t: number,
  keys: readonly number[],
  order: number,
) => readonly number[];

const ofDistances = (make: typeof taylor): Weights => (t, keys, order) =>
  make(order)(keys.map((key) => t - key).reverse());

const codes: Readonly<Record<string, Weights>> = {
  diffusers: ofDistances(taylor),
  paper: ofDistances(taylor),
  "cache-dit": lateTaylor,
  newton: ofDistances(newton),
};

const rows = v.array(v.array(finite));

const schema = openRecord({
  /** The values of each step, in float64. */
  series: v.record(v.string(), rows),
  /** The steps that are keys, ascending from 0. */
  plans: v.record(
    v.string(),
    v.pipe(
      v.array(wholeFrom(0)),
      v.check(
        (keys) =>
          keys[0] === 0 && keys.every((key, i) => !(key <= keys[i - 1])),
        "whole numbers that ascend from 0",
      ),
    ),
  ),
  results: v.array(openRecord({
    series: v.string(),
    plan: v.string(),
    order: wholeFrom(0),
    /** The forecast of each step, by code; at a key, the step's own value. */
    forecast: openRecord(v.entriesFromList(Object.keys(codes), rows)),
  })),
});

/** Whether a parsed JSON file holds recorded forecasts. */
export const isForecastSeries = (json: unknown): boolean =>
  typeof json === "object" && json !== null &&
  ["series", "plans", "results"].every((key) => key in json);

/** Compares forecasts, a row for each code. @throws {TypeError} If the file does not hold recorded forecasts. */
export async function* runForecastSeries(
  file: string,
): AsyncGenerator<Conformance> {
  const { series, plans, results } = conform(
    schema,
    await readJson(file),
    `read ${file}`,
  );
  for (const { series: name, plan } of results) {
    if (Object.hasOwn(series, name) && Object.hasOwn(plans, plan)) continue;
    throw new TypeError(
      `Cannot read ${file}: a result is of series "${name}" and plan "${plan}", expected names of its series and plans`,
    );
  }
  const judge = judgeOf("forecasts", { relative: 1e-12 });
  for (const [code, weights] of Object.entries(codes)) {
    const made = results.flatMap((result) => {
      const keys = plans[result.plan];
      return series[result.series].flatMap((values, t) => {
        if (keys.includes(t)) return values;
        const before = keys.filter((key) => key < t);
        const own = weights(t, before, result.order);
        const held = before.map((key) => series[result.series][key]).reverse();
        return values.map((_, i) =>
          own.reduce((sum, weight, j) => sum + weight * held[j][i], 0)
        );
      });
    });
    const recorded = results.flatMap(({ forecast }) => forecast[code].flat());
    yield judge(code, doubles(made), doubles(recorded));
  }
}

const doubles = (values: readonly number[]) =>
  tensor("float64", [values.length], Float64Array.from(values));
