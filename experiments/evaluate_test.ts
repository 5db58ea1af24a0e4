import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { float32 } from "../core/tensor.ts";
import { fidelity } from "./evaluate.ts";

Deno.test("fidelity() is a value a pair, and finite for equal images", () => {
  const images = float32([2, 1, 1, 2], [0, 0, 1, -1]);
  const full = float32([2, 1, 1, 2], [0.2, 0.2, 1, -1]);
  const { psnr, ssim } = fidelity(images, full);
  assertAlmostEquals(psnr[0], 20, 1e-5); // 10 log10(2² / 0.2²)
  assertEquals(psnr[1], 100);
  assert(ssim[0] < 1);
  assertAlmostEquals(ssim[1], 1, 1e-12);
});
