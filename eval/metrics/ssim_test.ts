import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { float32, zeros } from "@dip-go/core/tensor";
import {
  fixtureImage,
  type MetricCase,
  metricCases,
} from "@dip-go/testing/files";
import { ssim } from "./ssim.ts";

interface SsimCase extends MetricCase {
  valid: number;
  same_zero_pad: number;
}

for (const expected of metricCases<SsimCase>("ssim")) {
  Deno.test(`ssim() matches the recorded value of ${expected.name}`, () => {
    const a = fixtureImage(`${expected.name}.a`);
    const b = fixtureImage(`${expected.name}.b`);
    for (const padding of ["valid", "same_zero_pad"] as const) {
      const [value] = ssim(a, b, { dataRange: expected.data_range, padding });
      assertAlmostEquals(value, expected[padding], 1e-10);
      const [self] = ssim(a, a, { dataRange: expected.data_range, padding });
      assertAlmostEquals(self, 1, 1e-12);
    }
  });
}

Deno.test("ssim() gives one value for each image of a batch", () => {
  const a = fixtureImage("range2.a"), b = fixtureImage("range2.b");
  const batch = (...images: typeof a[]) =>
    float32(
      [images.length, ...a.shape],
      images.flatMap((image) => [...image.data]),
    );
  const values = ssim(batch(a, a), batch(b, a), { dataRange: 2 });
  assertEquals(values.length, 2);
  assertEquals(values[0], ssim(a, b, { dataRange: 2 })[0]);
  assertAlmostEquals(values[1], 1, 1e-12);
});

Deno.test("ssim() says which sizes do not fit", () => {
  assertThrows(
    () => ssim(zeros([1, 8, 16]), zeros([1, 8, 16]), { dataRange: 1 }),
    RangeError,
    "images are 8x16, expected at least 11x11",
  );
  assertThrows(
    () => ssim(zeros([1, 16, 16]), zeros([3, 16, 16]), { dataRange: 1 }),
    TypeError,
    "images are float32[1,16,16] and float32[3,16,16], expected equal shapes",
  );
});
