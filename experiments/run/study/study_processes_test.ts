/** A table of the paper on the tiny model, made by several processes. */
import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import {
  finishCommand,
  rowsWithoutTimes,
  setting,
  writeTinyModel,
} from "@dip-go/testing/runs";

const table = [
  "paper-table3",
  "--busy-ok",
  ...setting([
    "model=model",
    "sampler.steps=4",
    "search.batch=1",
    "search.calibration=1",
    "search.dipGo.iterations=2",
    "search.dipGo.network.queryDim=16",
    "sparsity=[0.5]",
    'methods=["random","dip-go"]',
    "evaluation.pairs=5",
    "evaluation.batch=2",
    'metrics=[{"kind":"psnr"}]',
    "latency.rounds=1",
  ]),
];

/** The study's rows, and every section's pictures. */
async function figures(folder: string) {
  const runOf = async (name: string) => {
    const path = `${folder}/results/${name}`;
    const [{ name: id }] = await Array.fromAsync(Deno.readDir(path));
    return `${path}/${id}`;
  };
  const samples: Record<string, Uint8Array> = {};
  for (const part of ["blocks", "sublayers"]) {
    const run = await runOf(`paper-table3-shapes-${part}`);
    for await (const { name } of Deno.readDir(`${run}/samples`)) {
      samples[`${part} ${name}`] = await Deno.readFile(
        `${run}/samples/${name}`,
      );
    }
  }
  const study = await runOf("paper-table3");
  const rows = await rowsWithoutTimes(`${study}/results.json`);
  return { samples, rows };
}

/** Writes the model, makes the table and reads it. */
const made = (make: (folder: string) => Promise<unknown>) =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/model`);
    await make(folder);
    return await figures(folder);
  });

Deno.test("a table's shares and their merge, and two commands at once on one folder, give the figures of one command", async () => {
  const whole = await made((folder) => finishCommand(folder, table));
  assertEquals(Object.keys(whole.samples).length, 2 * 3 * 5);
  const shared = await made(async (folder) => {
    for (const share of ["3/3", "1/3", "2/3"]) {
      await finishCommand(folder, [...table, "--shard", share]);
    }
    await finishCommand(folder, table);
  });
  assertEquals(shared, whole);
  const together = await made((folder) =>
    Promise.all([finishCommand(folder, table), finishCommand(folder, table)])
  );
  assertEquals(together, whole);
});
