import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { metricValues } from "./metric_values.ts";

const random = new TorchGenerator(3);
const normals = (n: number) => [...random.randn([n]).data];
/** Errors whose sizes differ by factors. */
const errors = normals(32).map((z) => Math.exp(z - 5));
const rowOf = (method: string, ...values: number[][]) => ({
  method,
  metrics: { "latent-mse": values },
});

Deno.test("metricValues() averages and compares errors in logarithms", () => {
  const own = rowOf("own", errors);
  const half = rowOf("half", errors.map((error) => error / 2));
  const group = { rows: [own, half], main: "half" };
  const { mean, geometric, versus, toBest, worstTenth, median } =
    metricValues(own, group)["latent-mse"];
  const logs = errors.map(Math.log);
  const middle = logs.reduce((a, b) => a + b) / 32;
  assertAlmostEquals(geometric!.mean, Math.exp(middle), 1e-12);
  assert(geometric!.low! < geometric!.mean && geometric!.mean < mean);
  assert(worstTenth! > median!); // the largest errors are the worst
  assertAlmostEquals(versus!.ratio!.mean, 2, 1e-12);
  assertAlmostEquals(versus!.ratio!.low, 2, 1e-9);
  assertEquals(toBest, versus);
  const best = metricValues(half, group)["latent-mse"];
  assertEquals([best.versus, best.toBest], [undefined, undefined]);
});

Deno.test("metricValues() has neither interval nor difference below 20 noises, however many the pictures", () => {
  const own = rowOf("own", errors);
  const other = rowOf("other", errors.map((error) => 2 * error));
  const group = { rows: [own, other], main: "other", noises: 4 };
  const value = metricValues(own, group)["latent-mse"];
  assertEquals([value.n, value.low, value.versus], [4, undefined, undefined]);
  assertEquals(
    value.mean,
    metricValues(own, { ...group, noises: undefined })["latent-mse"].mean,
  );
});

Deno.test("metricValues() of several seeds widens by how much they disagree", () => {
  const alike = rowOf("own", errors, errors);
  const apart = rowOf("own", errors, errors.map((error) => 2 * error));
  const [narrow, wide] = [alike, apart].map((row) =>
    metricValues(row, { rows: [row], main: "own" })["latent-mse"].geometric!
  );
  const width = ({ low, high }: typeof narrow) => Math.log(high! / low!);
  assert(width(wide) > 2 * width(narrow));
  assertAlmostEquals(wide.mean, Math.SQRT2 * narrow.mean, 1e-9);
});

Deno.test("metricValues() has no interval above the largest value of a metric", () => {
  const ssim = [0.9, 0.99].map((mean) =>
    Array.from({ length: 20 }, (_, i) => mean - 0.001 * (i % 4))
  );
  const row = { method: "own", metrics: { ssim, other: ssim } };
  const { ssim: own, other } = metricValues(row, { rows: [row], main: "own" });
  assertEquals(own.high, 1);
  assert(other.high! > 1);
  assertEquals(own.low, other.low);
});
