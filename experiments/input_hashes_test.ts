import { assert, assertEquals } from "@std/assert";
import { inputHashes } from "./input_hashes.ts";

Deno.test("inputHashes() sees contents and names, not files that are being written", async () => {
  const folder = await Deno.makeTempDir();
  const hashes = new Set<string>();
  const add = async () => {
    hashes.add((await inputHashes({ model: folder })).model);
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

Deno.test("inputHashes() tells prompts that are searched with from prompts that are evaluated", async () => {
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
    const hash = () => inputHashes({ model: `${folder}/model`, prompts });
    const before = await hash();
    await Deno.writeTextFile(prompts.search, "c\n");
    const after = await hash();
    assertEquals(after.model, before.model);
    assertEquals(after.prompts!.evaluation, before.prompts!.evaluation);
    assert(after.prompts!.search !== before.prompts!.search);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
