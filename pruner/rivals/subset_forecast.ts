/**
 * The steps of `searched-subset` with the forecast of `energy+forecast` instead of
 * held predictions. This method tells the gain of the gates of `energy+forecast` from
 * the gain of its forecast.
 */
import { type Method, planned } from "../method.ts";
import {
  leastSquaresForecast,
  refineCost,
  refineForecast,
  sampledPlan,
} from "../search/forecast_fit.ts";
import { searchedSubset } from "./searched_subset.ts";

/** The best k of T steps, predictions forecast in between. */
export const subsetForecast: Method = {
  ...searchedSubset,
  name: "searched-subset+forecast",
  settings: ["subset", "refine"],
  searches: "by gradient",
  reads: ({ search: { subset, refine } }) => ({ subset, refine }),
  searchCost: (search) =>
    searchedSubset.searchCost!(search) + refineCost(search),
  async fit(context, maxCost) {
    const { runner, search: { refine } } = context;
    const subset = await searchedSubset.fit(context, maxCost);
    if (subset.kind !== "gates") return subset;
    const { plan: { gates } } = subset;
    const batches = await context.calibration();
    const [batch] = batches;
    const fitted = await leastSquaresForecast(runner, { gates, batch });
    const tools = { form: await context.form(), batches };
    const start = { gates, forecast: fitted.forecast };
    const refined = await refineForecast(tools, start, refine);
    return planned(sampledPlan(runner.net, refined));
  },
};
