import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { frechetDistance } from "./frechet_distance.ts";
import { readNpz } from "./npz.ts";
import { readReference } from "./reference_statistics.ts";

/** Written by NumPy 1.24: `savez_compressed` of means and covariances, and `savez` of what is none. */
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

Deno.test("archives of something else are refused, naming file and array", async () => {
  await assertRejects(
    () => readNpz(odd),
    TypeError,
    "odd.npz: sigma.npy: it has no shape, or its columns come first",
  );
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/x.npz`;
    const bytes = await Deno.readFile(reference);
    for (const broken of [bytes.subarray(0, 300), new Uint8Array(40)]) {
      await Deno.writeFile(path, broken);
      await assertRejects(
        () => readNpz(path),
        TypeError,
        "x.npz: it is no sound zip archive",
      );
    }
  });
  await assertRejects(() => readReference("none.npz", "pooled"));
});
