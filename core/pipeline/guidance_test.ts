import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { guide, refuseRescale, rescaled } from "./guidance.ts";

/** The unbiased standard deviation. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

Deno.test("rescaled() gives each guided sample the spread of its conditional one, as far as asked", () => {
  const [batch, size] = [2, 6];
  // Two samples, two halves, four channels, of which two are a learned variance.
  const prediction = Float32Array.from(
    { length: 2 * batch * 2 * size },
    (_, i) => Math.sin(2 * i) * (i + 1),
  );
  const latents = [batch, 2, 1, 3];
  const guided = guide(prediction, { latents, scale: 5 });
  const whole = rescaled(guided, prediction, { batch, rescale: 1 });
  for (const b of [0, 1]) {
    const conditional = prediction.subarray(2 * b * size, (2 * b + 1) * size);
    const own = whole.subarray(b * size, (b + 1) * size);
    assertAlmostEquals(deviation(own), deviation(conditional), 1e-5);
  }
  const part = rescaled(guided, prediction, { batch, rescale: 0.25 });
  part.forEach((value, i) =>
    assertAlmostEquals(value, whole[i] / 4 + 3 * guided[i] / 4, 1e-4)
  );
  assertEquals(rescaled(guided, prediction, { batch, rescale: 0 }), guided);
});

Deno.test("refuseRescale() names the refused action", () => {
  refuseRescale({}, "export a");
  assertThrows(
    () => refuseRescale({ guidanceRescale: 0.7 }, "export a"),
    TypeError,
    "Cannot export a: guidanceRescale is 0.7, expected none",
  );
});
