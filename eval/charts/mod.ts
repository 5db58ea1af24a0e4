/** TODO eval/charts */
export { fidelityChart } from "./fidelity_chart.ts";
export { gateHeatMap } from "./gate_heat_map.ts";
