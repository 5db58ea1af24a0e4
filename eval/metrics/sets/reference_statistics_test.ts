import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { zipSync } from "fflate";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { frechetDistance } from "./frechet_distance.ts";
import { readArray } from "./npz.ts";
import {
  archiveContent,
  distanceFromStatistics,
  readReference,
} from "./reference_statistics.ts";

/** Written by NumPy 1.24: `savez_compressed` of means and covariances, and `savez` of arrays that are neither. */
const testdata = new URL("../../../testdata/npz/", import.meta.url).pathname;
const reference = `${testdata}reference.npz`;
const odd = `${testdata}odd.npz`;

Deno.test("reference statistics are the numbers that NumPy wrote, float64 or float32", async () => {
  const { mean, covariance } = await readReference(reference, "pooled");
  [4.62823345, 5.37017187, 4.24220415].forEach((value, i) =>
    assertAlmostEquals(mean[i], value, 1e-8)
  );
  const spread = [
    ...[0.55662671, 0.08595763, 0.13620679],
    ...[0.08595763, 3.35674676, -0.05812241],
    ...[0.13620679, -0.05812241, 6.42914728],
  ];
  spread.forEach((value, i) => assertAlmostEquals(covariance[i], value, 1e-8));
  const spatial = await readReference(reference, "spatial");
  assertEquals([...spatial.mean].map((x) => x.toFixed(6)), [
    "-0.093762",
    "-0.126769",
  ]);
  const own = { mean, covariance };
  assertAlmostEquals(frechetDistance(own, own), 0, 1e-9);
});

/** An archive of float64 arrays. */
const archive = (arrays: Record<string, [shape: number[], data: number[]]>) =>
  zipSync(Object.fromEntries(
    Object.entries(arrays).map(([name, [shape, data]]) => {
      const head =
        `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape},), }\n`;
      const bytes = new Uint8Array(10 + head.length + 8 * data.length);
      bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0]);
      bytes[8] = head.length;
      bytes.set(new TextEncoder().encode(head), 10);
      const numbers = new Uint8Array(Float64Array.from(data).buffer);
      bytes.set(numbers, 10 + head.length);
      return [`${name}.npy`, bytes];
    }),
  ));

Deno.test("statistics that are no mean and covariance are refused; the error names the wrong number", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.npz`;
    const refused = async (mu: number[], sigma: number[], message: string) => {
      const arrays = { mu: [[2], mu], sigma: [[2, 2], sigma] } as const;
      await Deno.writeFile(path, archive(arrays as never));
      await assertRejects(
        () => distanceFromStatistics(path, "pooled"),
        RangeError,
        `Cannot read reference ${path}: ${message}`,
      );
    };
    await refused([0, 0], [1, 0, NaN, 1], "sigma holds NaN");
    await refused([0, 0], [1, 0, 0, Infinity], "sigma holds Infinity");
    await refused([0, -Infinity], [1, 0, 0, 1], "mu holds -Infinity");
    await refused([0, 0], [1, 2, 3, 1], "sigma is 3 at [1, 0] and 2 at [0, 1]");
    await refused([0, 0], [1, 2, 2, 1], "sigma is no covariance (Cannot take");
    await refused(
      [0, 0],
      [-1, 0, 0, -2],
      "sigma is no covariance (Cannot take",
    );
  }));

Deno.test("a covariance of few pictures is accepted although rounding leaves an eigenvalue below zero", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.npz`;
    const bytes = archive({
      mu: [[2], [0, 0]],
      sigma: [[2, 2], [1, 1, 1, 1 - 1e-7]],
    });
    await Deno.writeFile(path, bytes);
    const distance = await distanceFromStatistics(path, "pooled");
    const own = await readReference(path, "pooled");
    assertAlmostEquals(distance(own), 0, 1e-6);
  }));

Deno.test("archiveContent() tells statistics and pictures apart", async () => {
  const content = async (name: string) => [
    ...await archiveContent(`${testdata}${name}.npz`),
  ];
  assertEquals(await content("reference"), ["pooled", "spatial"]);
  assertEquals(await content("pictures"), ["pictures"]);
});

Deno.test("readArray() refuses unsound archives and arrays; the error names file and array", async () => {
  await assertRejects(
    () => readArray(odd, "sigma"),
    TypeError,
    "odd.npz: sigma: it has no shape, or its columns come first",
  );
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.npz`;
    const bytes = await Deno.readFile(reference);
    const endless = bytes.subarray(0, bytes.length - 30);
    for (
      const broken of [bytes.subarray(0, 300), new Uint8Array(40), endless]
    ) {
      await Deno.writeFile(path, broken);
      await assertRejects(
        () => readArray(path, "sigma"),
        TypeError,
        "x.npz: it is no sound zip archive",
      );
    }
  });
  await assertRejects(() => readReference("none.npz", "pooled"));
});
