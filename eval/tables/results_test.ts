import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  parseResults,
  readResults,
  type Results,
  writeResults,
} from "./results.ts";

const results: Results = {
  experiment: "toy",
  model: "zoo/models/shapes",
  sampler: { name: "ddim", steps: 20 },
  rows: [{
    method: "gates",
    sparsity: 0.5,
    macs: 2e9,
    macsSpeedup: 2,
    latencyMs: null,
    speedup: null,
    speedupLow: 1.9,
    speedupHigh: 2.1,
    searchPasses: 96,
    metrics: {
      psnr: {
        mean: 32,
        low: 31,
        high: 33,
        n: 64,
        versus: { method: "uniform", difference: 2, low: 1, high: 3 },
      },
      fid: { mean: 12 },
    },
  }],
  commit: "abc",
  seed: 42,
};

/** The results as JSON with one key changed. */
function changed(change: (json: Record<string, unknown>) => void) {
  const json = structuredClone(results) as unknown as Record<string, unknown>;
  change(json);
  return json;
}

// deno-lint-ignore no-explicit-any
const firstRow = (json: any) => json.rows[0];

Deno.test("readResults() reads what writeResults() wrote, and no other file is left", async () => {
  const folder = await Deno.makeTempDir();
  await writeResults(`${folder}/results.json`, results);
  assertEquals(await readResults(`${folder}/results.json`), results);
  assertEquals([...Deno.readDirSync(folder)].length, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("parseResults() reads a plain number as a metric's mean", () => {
  const json = changed((json) => firstRow(json).metrics = { clip: 30.3 });
  assertEquals(parseResults(json, "f").rows[0].metrics, {
    clip: { mean: 30.3 },
  });
});

Deno.test("parseResults() passes over fields that others added", () => {
  const json = changed((json) => {
    json.colour = 1;
    firstRow(json).colour = 2;
  });
  assertEquals(parseResults(json, "f"), results);
});

Deno.test("parseResults() names file, key, found and expected", () => {
  const errorOf = (
    change: (json: Record<string, unknown>) => void,
    message: string,
  ) =>
    assertThrows(
      () => parseResults(changed(change), "run/results.json"),
      TypeError,
      message,
    );
  errorOf(
    (json) => firstRow(json).metrics.psnr.mean = Infinity,
    "Cannot read run/results.json: rows[0].metrics.psnr.mean is Infinity, expected a finite number",
  );
  errorOf((json) => delete json.model, "model is missing, expected a string");
  errorOf(
    (json) => firstRow(json).macs = "2G",
    'rows[0].macs is "2G", expected a finite number',
  );
  errorOf((json) => json.rows = {}, "rows is {}, expected a list");
  errorOf(
    (json) => delete firstRow(json).metrics.psnr.versus.low,
    "rows[0].metrics.psnr.versus.low is missing, expected a finite number",
  );
  errorOf((json) => firstRow(json).source = "us", 'is "us", expected "paper"');
  errorOf(
    (json) => json.sampler = "ddim",
    'sampler is "ddim", expected an object',
  );
  assertThrows(() => parseResults(null, "f"), TypeError, "read f: it is null");
});

Deno.test("readResults() names a file that is not JSON", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "{");
  await assertRejects(
    () => readResults(path),
    TypeError,
    `Cannot read ${path}: not JSON`,
  );
  await Deno.remove(path);
});

Deno.test("writeResults() refuses results that readResults() would refuse", async () => {
  await assertRejects(
    () => writeResults("never/written.json", { ...results, seed: NaN }),
    TypeError,
    "seed is NaN",
  );
});
