/** Folders stay small, files are named for their idea, and each `mod.ts` says what its folder is for. */
import { assertEquals } from "@std/assert";
import { partsOf, readSources } from "./sources.ts";

const sources = readSources();

Deno.test("a folder has at most 16 TypeScript files", () => {
  const folders = Map.groupBy(
    sources,
    ({ path }) => partsOf(path).slice(0, -1).join("/"),
  );
  const full = [...folders].filter(([, files]) => files.length > 16)
    .map(([folder, files]) => `${folder}: ${files.length}`);
  assertEquals(full, []);
});

Deno.test("a file is named for its idea, in snake_case", () => {
  const vague = /^(.*_)?(index|utils?|helpers?|common|misc)$/;
  const wrong = sources.map(({ path }) => path).filter((path) => {
    const name = partsOf(path).at(-1)!.slice(0, -".ts".length);
    return !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name) || vague.test(name);
  });
  assertEquals(wrong, []);
});

Deno.test("a door says what its room is for", () => {
  const silent = sources.filter(({ path, text }) =>
    partsOf(path).at(-1) === "mod.ts" &&
    !/^\/\*\*(?!\s*TODO)[^]{40,}?\*\//.test(text)
  );
  assertEquals(silent.map(({ path }) => path), []);
});
