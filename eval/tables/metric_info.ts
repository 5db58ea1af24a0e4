/** How a metric is called, in which direction it is better, and how many digits it deserves. */

/** A metric for tables and charts. */
export interface MetricInfo {
  /** Name with its unit, such as "PSNR (dB)". */
  label: string;
  /** Undefined for a metric this project does not know. */
  higherIsBetter?: boolean;
  /** Digits after the decimal point. */
  digits: number;
  /** Whether it is an error whose sizes differ by factors, and which is averaged and compared in logarithms. */
  inLogs?: boolean;
  /** The largest that there is. */
  most?: number;
}

// name          label                 direction              digits
const known: Readonly<Record<string, MetricInfo>> = {
  psnr: { label: "PSNR (dB)", higherIsBetter: true, digits: 2 },
  ssim: { label: "SSIM", higherIsBetter: true, digits: 4, most: 1 },
  "latent-mse": {
    label: "Latent MSE",
    higherIsBetter: false,
    digits: 5,
    inLogs: true,
  },
  lpips: { label: "LPIPS", higherIsBetter: false, digits: 4 },
  clip: { label: "CLIP score", higherIsBetter: true, digits: 2 },
  prompt: {
    label: "Prompt accuracy",
    higherIsBetter: true,
    digits: 3,
    most: 1,
  },
  fid: { label: "FID", higherIsBetter: false, digits: 2 },
  sfid: { label: "sFID", higherIsBetter: false, digits: 2 },
  kid: { label: "KID", higherIsBetter: false, digits: 5 },
  precision: { label: "Precision", higherIsBetter: true, digits: 3 },
  recall: { label: "Recall", higherIsBetter: true, digits: 3 },
  "clip-score (shapes)": {
    label: "CLIP score (shapes)",
    higherIsBetter: true,
    digits: 2,
  },
  "fid (shapes)": { label: "FID (shapes)", higherIsBetter: false, digits: 3 },
  "file-size": { label: "File (MB)", higherIsBetter: false, digits: 2 },
  speedup: { label: "Speedup", higherIsBetter: true, digits: 2 },
  "predicted speedup": {
    label: "Predicted speedup",
    higherIsBetter: true,
    digits: 2,
  },
  mse: { label: "MSE", higherIsBetter: false, digits: 5, inLogs: true },
};

/** A metric's label with an arrow towards the better. */
export const metricHeading = ({ label, higherIsBetter }: MetricInfo): string =>
  higherIsBetter === undefined
    ? label
    : `${label} ${higherIsBetter ? "↑" : "↓"}`;

/**
 * Looks a metric up. The part after an underscore names the other side of a comparison,
 * so `psnr_fine` is a PSNR, labelled "PSNR (dB), fine".
 */
export function metricInfo(metric: string): MetricInfo {
  const [base, ...qualifiers] = metric.split("_");
  if (!Object.hasOwn(known, base)) return { label: metric, digits: 3 };
  const label = [known[base].label, qualifiers.join(" ")].filter(Boolean);
  return { ...known[base], label: label.join(", ") };
}
