import { assert, assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { contentHash, inputHashes } from "./input_hashes.ts";
import type { MetricRecord } from "../../schema/metric_records.ts";

Deno.test("inputHashes() sees contents and names, not files that are being written", async () => {
  const folder = await Deno.makeTempDir();
  const hashes = new Set<string>();
  const add = async () => {
    hashes.add((await inputHashes({ model: folder, metrics: [] })).model);
    return hashes.size;
  };
  try {
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
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("contentHash() keeps names and contents apart, and leaves out files that no model is read from", () =>
  inTemporaryFolder(async (folder) => {
    const write = async (name: string, files: Record<string, string>) => {
      await Deno.mkdir(`${folder}/${name}/.cache`, { recursive: true });
      for (const [file, text] of Object.entries(files)) {
        await Deno.writeTextFile(`${folder}/${name}/${file}`, text);
      }
      return await contentHash(`${folder}/${name}`);
    };
    const one = await write("one", { "a.json": "b.json" });
    assert(one !== await write("two", { "a.json": "", "b.json": "" }));
    assertEquals(
      one,
      await write("three", {
        "a.json": "b.json",
        "README.md": "#",
        "LICENSE": "MIT",
        "preview.png": "",
        "flax_model.msgpack": "",
        ".gitattributes": "",
        ".cache/a.json": "{}",
      }),
    );
  }));

Deno.test("contentHash() follows links, but not in circles, and passes over broken links", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.mkdir(`${folder}/model/unet`, { recursive: true });
    await Deno.mkdir(`${folder}/links`);
    await Deno.writeTextFile(`${folder}/model/unet/config.json`, "{}");
    const hash = await contentHash(`${folder}/model`);
    await Deno.symlink(`${folder}/model/unet`, `${folder}/links/unet`);
    await Deno.symlink(`${folder}/model`, `${folder}/model/unet/up`);
    await Deno.symlink(`${folder}/none`, `${folder}/model/gone.json`);
    for (const name of ["links", "model"]) {
      assertEquals(await contentHash(`${folder}/${name}`), hash);
    }
    await Deno.writeTextFile(`${folder}/model/unet/config.json`, "[]");
    assert(await contentHash(`${folder}/links`) !== hash);
  }));

Deno.test("inputHashes() hashes the prompts of search and of evaluation apart", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const prompts = {
      search: `${folder}/search.txt`,
      evaluation: `${folder}/evaluation.txt`,
    };
    await Deno.mkdir(`${folder}/model`);
    for (const path of Object.values(prompts)) {
      await Deno.writeTextFile(path, "a b\n");
    }
    const hash = () =>
      inputHashes({ model: `${folder}/model`, prompts, metrics: [] });
    const before = await hash();
    await Deno.writeTextFile(prompts.search, "c\n");
    const after = await hash();
    assertEquals(after.model, before.model);
    assertEquals(after.prompts!.evaluation, before.prompts!.evaluation);
    assert(after.prompts!.search !== before.prompts!.search);
    const json = `${folder}/search.json`;
    await Deno.copyFile(prompts.search, json);
    const { prompts: other } = await inputHashes({
      model: `${folder}/model`,
      prompts: { ...prompts, search: json },
      metrics: [],
    });
    assert(other!.search !== after.prompts!.search, "another format");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("inputHashes() hashes the file or folder that each metric reads", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/model`);
    await Deno.mkdir(`${folder}/pair`);
    await Deno.writeTextFile(`${folder}/pair/a.json`, "{}");
    const metrics: MetricRecord[] = [
      { kind: "psnr" },
      { kind: "prompt-accuracy", pair: `${folder}/pair` },
    ];
    const hash = () => inputHashes({ model: `${folder}/model`, metrics });
    const before = await hash();
    await Deno.writeTextFile(`${folder}/pair/a.json`, "[]");
    const after = await hash();
    assertEquals(after.model, before.model);
    assertEquals(after.metrics[0], before.metrics[0]);
    assert(after.metrics[1] !== before.metrics[1]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
