import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, zeros } from "@dip-go/core/tensor";
import {
  fixtureImage,
  type MetricCase,
  metricCases,
} from "@dip-go/testing/files";
import { meanSquaredErrors, psnr } from "./psnr.ts";
import { ssim } from "./ssim.ts";

interface PsnrCase extends MetricCase {
  psnr: number;
}

for (const expected of metricCases<PsnrCase>("psnr")) {
  Deno.test(`psnr() matches the recorded value of ${expected.name}`, () => {
    const a = fixtureImage(`${expected.name}.a`);
    const b = fixtureImage(`${expected.name}.b`);
    const [value] = psnr(a, b, { dataRange: expected.data_range });
    assertAlmostEquals(value, expected.psnr, 1e-9);
  });
}

Deno.test("psnr() gives one value for each image of a batch, Infinity for equal images", () => {
  const a = zeros([2, 1, 1, 2]);
  const b = float32([2, 1, 1, 2], [0.1, -0.1, 0, 0]);
  const [first, second] = psnr(a, b, { dataRange: 1 });
  assertAlmostEquals(first, 20, 1e-6);
  assertEquals(second, Infinity);
});

Deno.test("psnr() refuses tensors that are no images", () => {
  assertThrows(
    () => psnr(zeros([4, 4]), zeros([4, 4]), { dataRange: 1 }),
    TypeError,
    "images are float32[4,4], expected [C,H,W] or [B,C,H,W]",
  );
});

Deno.test("psnr() and ssim() refuse a range of values that is none", () => {
  const image = float32([1, 11, 11], new Float32Array(121));
  for (const dataRange of [0, -2, NaN, undefined as unknown as number]) {
    for (const metric of [psnr, ssim]) {
      assertThrows(
        () => metric(image, image, { dataRange }),
        RangeError,
        `dataRange is ${dataRange}, expected a number above 0`,
      );
    }
  }
});

Deno.test("meanSquaredErrors() is a value a sample", () => {
  const a = float32([2, 1, 2], [1, 2, 0.5, 0]);
  const b = float32([2, 1, 2], [1, 4, 0, 0]);
  const [first, second] = meanSquaredErrors(a, b);
  assertAlmostEquals(first, 2, 1e-12); // (0 + 4) / 2
  assertAlmostEquals(second, 0.125, 1e-12);
  assertThrows(
    () => meanSquaredErrors(a, float32([2, 2], [1, 2, 3, 4])),
    TypeError,
    "found float32[2,1,2] and float32[2,2], expected one shape",
  );
});
