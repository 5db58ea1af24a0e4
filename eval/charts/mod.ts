/** Charts as SVG documents: a metric over the MACs kept, and the gates of a SubNet. */
export { fidelityChart } from "./fidelity_chart.ts";
export { gateHeatMap } from "./gate_heat_map.ts";
