/** The names of metrics, the direction in which they are better, and the digits that they deserve. */

/** A metric for tables and charts. */
export interface MetricInfo {
  /** The name with its unit, such as "PSNR (dB)". */
  label: string;
  /** Whether higher is better; undefined for a metric that this project does not know. */
  higherIsBetter?: boolean;
  /** The number of digits after the decimal point. */
  digits: number;
  /** Whether the metric is an error that varies by factors, so that it is averaged and compared in logarithms. */
  inLogs?: boolean;
  /** The largest possible value. */
  most?: number;
}

const metric = (higherIsBetter: boolean) =>
(
  label: string,
  digits: number,
  more: Pick<MetricInfo, "inLogs" | "most"> = {},
): MetricInfo => ({ label, higherIsBetter, digits, ...more });

const [higher, lower] = [metric(true), metric(false)];

const known: Readonly<Record<string, MetricInfo>> = {
  psnr: higher("PSNR (dB)", 2),
  ssim: higher("SSIM", 4, { most: 1 }),
  "latent-mse": lower("Latent MSE", 5, { inLogs: true }),
  lpips: lower("LPIPS", 4),
  clip: higher("CLIP score", 2),
  prompt: higher("Prompt accuracy", 3, { most: 1 }),
  fid: lower("FID", 2),
  sfid: lower("sFID", 2),
  kid: lower("KID", 5),
  precision: higher("Precision", 3),
  recall: higher("Recall", 3),
  "clip-score (shapes)": higher("CLIP score (shapes)", 2),
  "fid (shapes)": lower("FID (shapes)", 3),
  "file-size": lower("File (MB)", 2),
  speedup: higher("Speedup", 2),
  "predicted speedup": higher("Predicted speedup", 2),
  mse: lower("MSE", 5, { inLogs: true }),
};

/** A metric's label with an arrow towards better values. */
export const metricHeading = ({ label, higherIsBetter }: MetricInfo): string =>
  higherIsBetter === undefined
    ? label
    : `${label} ${higherIsBetter ? "↑" : "↓"}`;

/**
 * Looks a metric up. Parts after an underscore name the reference or the variant,
 * so `psnr_fine` is a PSNR, labelled "PSNR (dB), fine".
 */
export function metricInfo(metric: string): MetricInfo {
  const [base, ...qualifiers] = metric.split("_");
  if (!Object.hasOwn(known, base)) return { label: metric, digits: 3 };
  const label = [known[base].label, qualifiers.join(" ")].filter(Boolean);
  return { ...known[base], label: label.join(", ") };
}
