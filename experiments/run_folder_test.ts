import { assert, assertEquals } from "@std/assert";
import { float32 } from "../core/tensor.ts";
import quickstart from "./quickstart.ts";
import type { MetricRecord } from "./metric_records.ts";
import { inputHash, openRunFolder, runId } from "./run_folder.ts";

const identity = {
  experiment: quickstart,
  device: "cpu",
  inputHash: "0",
} as const;

async function withFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runId() differs for all that changes a number, and not for the description", () => {
  const id = runId(identity);
  const experiment = { ...quickstart, description: "reworded" };
  assertEquals(runId({ ...identity, experiment }), id);
  for (
    const other of [
      { ...identity, experiment: { ...quickstart, seed: 1 } },
      { ...identity, device: "webgpu" as const },
      { ...identity, inputHash: "1" },
    ]
  ) assert(runId(other) !== id);
});

Deno.test("inputHash() sees prompts, contents and names, not files that are being written", () =>
  withFolder(async (folder) => {
    const hashes = new Set<string>();
    const metrics: MetricRecord[] = [];
    const add = async () =>
      hashes.add(await inputHash({ model: folder, metrics })).size;
    await Deno.mkdir(`${folder}/transformer`);
    const file = `${folder}/transformer/config.json`;
    await Deno.writeTextFile(file, "{}");
    assertEquals(await add(), 1);
    await Deno.writeTextFile(`${file}.123.tmp`, "{");
    assertEquals(await add(), 1);
    await Deno.writeTextFile(file, "[]");
    assertEquals(await add(), 2);
    await Deno.rename(file, `${folder}/config.json`);
    assertEquals(await add(), 3);
    await Deno.mkdir(`${folder}.pair`);
    await Deno.writeTextFile(`${folder}.pair/a.json`, "{}");
    metrics.push({ kind: "prompt-accuracy", pair: `${folder}.pair` });
    assertEquals(await add(), 4);
    await Deno.remove(`${folder}.pair`, { recursive: true });
  }));

Deno.test("RunFolder makes what is missing once", () =>
  withFolder(async (root) => {
    const folder = await openRunFolder(root, identity);
    let made = 0;
    const json = () =>
      folder.json("searches/scores.json", () => Promise.resolve(++made));
    assertEquals([await json(), await json()], [1, 1]);
    const images = float32([1, 1, 1, 2], [0.5, -1]);
    const make = () => Promise.resolve(images);
    await folder.images("samples/a.safetensors", make);
    const again = await openRunFolder(root, identity);
    const never = () => Promise.reject(new Error("made again"));
    assertEquals(await again.images("samples/a.safetensors", never), images);
    assertEquals(await again.json("searches/scores.json", never), 1);
  }));
