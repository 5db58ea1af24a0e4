/** A table of the paper on the tiny model, made by several processes. */
import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import {
  figures,
  finishCommand,
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

/** Writes the model, makes the table and reads it. */
const made = (make: (folder: string) => Promise<unknown>) =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/model`);
    await make(folder);
    return await figures(folder, "paper-table3");
  });

Deno.test("a table's shares and their merge, and two commands at once on one folder, give the figures of one command", async () => {
  const whole = await made((folder) => finishCommand(folder, table));
  const samples = Object.keys(whole).filter((path) =>
    path.includes("/samples/")
  );
  assertEquals(samples.length, 2 * 3 * 5);
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
