/** TODO pruner/search */
export { type EnergySearchOptions, searchByEnergy } from "./energy_search.ts";
export { fidelityTo } from "./exchange.ts";
export {
  leastSquaresForecast,
  refineForecast,
  type RefineOptions,
} from "./forecast_fit.ts";
