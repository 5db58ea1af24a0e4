import { assertAlmostEquals } from "@std/assert";
import {
  normalQuantile,
  normalShare,
  studentQuantile,
} from "./distributions.ts";

Deno.test("normalShare() and normalQuantile() match scipy.stats.norm", () => {
  const shares = {
    "-3.5": 0.0002326291,
    "-1": 0.1586552539,
    "0.5": 0.6914624613,
  };
  for (const [z, share] of Object.entries(shares)) {
    assertAlmostEquals(normalShare(Number(z)), share, 1e-7);
    assertAlmostEquals(normalQuantile(share), Number(z), 1e-4);
  }
  assertAlmostEquals(normalQuantile(0.975), 1.959964, 1e-4);
});

Deno.test("studentQuantile() matches scipy.stats.t to 1 %", () => {
  const quantiles = {
    1: 12.7062,
    2: 4.30265,
    3: 3.18245,
    9: 2.26216,
    31: 2.03951,
  };
  for (const [freedom, quantile] of Object.entries(quantiles)) {
    const found = studentQuantile(0.975, Number(freedom));
    assertAlmostEquals(found / quantile, 1, 0.01);
  }
});
