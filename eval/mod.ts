/** Metrics, their uncertainty, measured speed, results files and tables. */

export * from "./bitmap_font.ts";
export * from "./bootstrap.ts";
export * from "./fidelity_chart.ts";
export * from "./gate_heat_map.ts";
export * from "./image_grid.ts";
export * from "./join_results.ts";
export * from "./latency.ts";
export * from "./line_chart.ts";
export * from "./mean_squared_error.ts";
export * from "./metric_info.ts";
export * from "./png.ts";
export * from "./psnr.ts";
export * from "./render_table.ts";
export * from "./results.ts";
export * from "./ssim.ts";
export * from "./table.ts";
export * from "./unpaired_difference.ts";
