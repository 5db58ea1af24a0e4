import { assertAlmostEquals } from "@std/assert";
import { betaQuantile } from "./beta_quantile.ts";

Deno.test("betaQuantile() agrees with scipy.stats.beta.ppf(p, 0.6, 0.6)", () => {
  const recorded: [number, number][] = [
    [0, 0],
    [1e-6, 1.8558824624053043e-10],
    [0.1, 0.03958440558878085],
    [0.25, 0.17568037865269498],
    [0.5, 0.5],
    [0.9, 0.9604155944112192],
    [0.999, 0.9999814412614826],
    [1, 1],
  ];
  for (const [p, x] of recorded) {
    assertAlmostEquals(betaQuantile(p, 0.6), x, 1e-15 + 1e-13 * x);
  }
});
