import { assert, assertEquals } from "@std/assert";
import { decodePng } from "@dip-go/core/pictures";
import { float32 } from "@dip-go/core/tensor";
import quickstart from "../quickstart.ts";
import { openRunFolder, runId } from "./run_folder.ts";

const identity = {
  experiment: quickstart,
  device: "cpu",
  precision: "float32",
  inputs: { model: "0", metrics: [] },
} as const;

async function withFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runId() depends on all that changes a number, and not on the description", () => {
  const id = runId(identity);
  const experiment = { ...quickstart, description: "reworded" };
  assertEquals(runId({ ...identity, experiment }), id);
  for (
    const other of [
      { ...identity, experiment: { ...quickstart, seed: 1 } },
      { ...identity, device: "webgpu" as const },
      { ...identity, precision: "float16" as const },
      { ...identity, inputs: { model: "1", metrics: [] } },
    ]
  ) assert(runId(other) !== id);
});

Deno.test("openRunFolder() writes config.json, and files go into folders of their own", () =>
  withFolder(async (root) => {
    const folder = await openRunFolder(root, identity);
    assertEquals(folder.path, `${root}/quickstart/${runId(identity)}`);
    const config = await Deno.readTextFile(`${folder.path}/config.json`);
    assertEquals(JSON.parse(config), identity);
    const images = float32([1, 3, 1, 2], [1, -1, 0, 0, -1, 1]);
    await folder.writePictures("samples/a", images);
    const file = `${folder.path}/samples/a-0.png`;
    const { data } = decodePng(await Deno.readFile(file), file);
    assertEquals([...data], [255, 128, 0, 0, 128, 255]);
    await folder.writeJson("rows/a.json", [1]);
    assertEquals(
      await Deno.readTextFile(`${folder.path}/rows/a.json`),
      "[1]\n",
    );
  }));
