import { assertEquals, assertRejects } from "@std/assert";
import { hostileRun } from "@dip-go/testing/browser";
import { readRunDetails } from "./run_details.ts";

Deno.test("readRunDetails() reads a file, gives undefined for none and names a broken one", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/report.json`;
  assertEquals(await readRunDetails(path), undefined);
  const { details } = hostileRun();
  await Deno.writeTextFile(path, JSON.stringify(details));
  assertEquals(await readRunDetails(path), details);
  await Deno.writeTextFile(path, JSON.stringify({ ...details, rows: 3 }));
  await assertRejects(
    () => readRunDetails(path),
    TypeError,
    `${path}: rows is 3, expected a list`,
  );
  const curves = [{ name: "loss", points: [[0, NaN], [1, 0.5]] }];
  await Deno.writeTextFile(path, JSON.stringify({ ...details, curves }));
  assertEquals((await readRunDetails(path))!.curves, curves);
  const odd = [{ method: "fora", sparsity: "half" }];
  await Deno.writeTextFile(path, JSON.stringify({ ...details, rows: odd }));
  await assertRejects(
    () => readRunDetails(path),
    TypeError,
    `Cannot read ${path}: rows[0].sparsity is "half", expected a finite number`,
  );
  await Deno.writeTextFile(path, "{");
  await assertRejects(
    () => readRunDetails(path),
    TypeError,
    `${path}: not JSON`,
  );
  await Deno.remove(folder, { recursive: true });
});
