/** Charts as SVG documents: a metric over a cost, a SubNet's gates, and how much parts of a network teach. */
export {
  type ChartCost,
  chartCosts,
  fidelityChart,
  isCharted,
} from "./fidelity_chart.ts";
export { gateHeatMap } from "./gate_heat_map.ts";
export { taughtChart, type TaughtLine } from "./taught_chart.ts";
