import { assertEquals, assertMatch } from "@std/assert";
import { isFile } from "@dip-go/core/files";
import { withTiny } from "@dip-go/testing/runs";
import { runExperiment } from "../../run/runner.ts";
import { storeCommand } from "../store.ts";

Deno.test("store prints the sizes of steps, and clears steps that no run needs", () =>
  withTiny(async (tiny, options) => {
    const { root } = options;
    const short = { ...tiny, methods: ["fewer-steps"], sparsity: [0.5] };
    await runExperiment({ ...short, mainMethod: "fewer-steps" }, options);
    const other = `${root}/.steps/sample/${"0".repeat(64)}.safetensors`;
    await Deno.writeFile(other, new Uint8Array(3_000_000));
    const [held, cutOff] = [`${other}.claim`, `${other}.1.tmp`];
    for (const path of [held, cutOff]) await Deno.writeTextFile(path, "");
    const foreign = [
      `${root}/.steps/notes.txt`,
      `${root}/.steps/fit/notes.txt`,
    ];
    for (const path of foreign) await Deno.writeTextFile(path, "mine");
    await Deno.mkdir(`${root}/.steps/fit/folder/in`, { recursive: true });
    const store = async (...args: string[]) =>
      (await storeCommand(["--results", root, ...args])).lines;
    const look = await store("--age", "0");
    assertMatch(look.at(-1)!, /3.0 MB in 2 could be removed by --clear/);
    assertMatch((await store()).at(-1)!, /0.0 MB in 0 could be removed/);
    assertEquals(await isFile(other), true);
    await store("--age", "0", "--clear");
    assertEquals(await isFile(other), false);
    assertEquals([await isFile(held), await isFile(cutOff)], [true, false]);
    for (const path of foreign) assertEquals(await isFile(path), true);
    options.lines.length = 0;
    await runExperiment({ ...short, mainMethod: "fewer-steps" }, options);
    assertEquals(options.lines, []);
  }));
