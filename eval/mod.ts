/** Metrics, their uncertainty, measured speed, results files and tables. */

export * from "./pictures/bitmap_font.ts";
export * from "./statistics/bootstrap.ts";
export * from "./charts/fidelity_chart.ts";
export * from "./charts/gate_heat_map.ts";
export * from "./pictures/image_grid.ts";
export * from "./tables/join_results.ts";
export * from "./statistics/latency.ts";
export * from "./charts/line_chart.ts";
export * from "./metrics/mean_squared_error.ts";
export * from "./tables/metric_info.ts";
export * from "./metrics/psnr.ts";
export * from "./tables/render_table.ts";
export * from "./tables/results.ts";
export * from "./metrics/ssim.ts";
export * from "./tables/table.ts";
export * from "./statistics/unpaired_difference.ts";
