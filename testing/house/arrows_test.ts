/** Dependencies point one way, between members and inside core; files import each other in no circle. */
import { assert, assertEquals } from "@std/assert";
import {
  isTest,
  members,
  partsOf,
  readSources,
  type Source,
} from "./sources.ts";

/** The members that each member's code may import from; tests may import from `testing` too. */
const memberArrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  supernet: ["core"],
  pruner: ["core", "supernet"],
  eval: ["core", "supernet"],
  zoo: ["core", "supernet", "eval"],
  experiments: ["core", "supernet", "pruner", "eval", "zoo"],
  examples: ["core", "supernet", "pruner", "eval", "zoo"],
  testing: members,
};

/** The rooms that each room of core may import from; `pipeline` may from all. `weights`, `hub` and `text` stand alone; `onnx` touches no files. */
const coreArrows: Readonly<Record<string, readonly string[]>> = {
  files: [],
  tensor: ["files"],
  pictures: ["files", "tensor"],
  hub: ["files", "tensor"],
  text: ["files", "tensor"],
  weights: ["files", "tensor"],
  onnx: ["tensor"],
  autodiff: ["tensor", "onnx"],
  runtime: ["files", "tensor", "onnx"],
  samplers: ["files", "tensor", "onnx", "autodiff"],
  models: ["files", "tensor", "weights", "onnx"],
};

const sources = readSources();

Deno.test("members import only members below them, by name", () => {
  const wrong: string[] = [];
  let between = 0;
  for (const { path, text, imports } of sources) {
    const [member] = partsOf(path);
    const test = path.endsWith("_test.ts");
    for (const imported of imports) {
      const [target] = partsOf(imported);
      if (target === member || !(target in memberArrows)) continue;
      between++;
      const allowed = memberArrows[member].includes(target) ||
        test && target === "testing";
      if (!allowed) wrong.push(`${path} imports ${imported}`);
    }
    // A relative path must not climb out of the member either.
    const out = new RegExp(`from "(?:\\.\\./){${partsOf(path).length - 1},}`);
    if (out.test(text)) wrong.push(`${path} leaves its member by a path`);
  }
  assertEquals(wrong, []);
  assert(between > 500);
});

Deno.test("core's rooms import only rooms below them", () => {
  const rooms = new Set(
    sources.filter(({ path }) => path.startsWith("core/"))
      .map(({ path }) => partsOf(path)[1]),
  );
  const arrows: typeof coreArrows = {
    ...coreArrows,
    pipeline: Object.keys(coreArrows),
  };
  const wrong = sources.filter((source) =>
    source.path.startsWith("core/") && !isTest(source)
  ).flatMap(({ path, imports }) => {
    const room = partsOf(path)[1];
    return imports.filter((imported) => {
      const [member, target] = partsOf(imported);
      return member === "core" && target !== room && room !== "mod.ts" &&
        !arrows[room]?.includes(target);
    }).map((imported) => `${path} imports ${imported}`);
  });
  assertEquals(wrong, []);
  rooms.delete("mod.ts");
  assertEquals([...rooms].sort(), Object.keys(arrows).sort());
});

/** A file and everything that it imports, directly or not. */
function reachedFrom(path: string): Set<string> {
  const imports = new Map(sources.map((each) => [each.path, each.imports]));
  const reached = new Set([path]);
  for (const each of reached) {
    for (const imported of imports.get(each) ?? []) reached.add(imported);
  }
  return reached;
}

Deno.test("what bench gpu packs into one script starts no other program", () => {
  // In a bundle every file's `import.meta` is the script's.
  const reached = reachedFrom("experiments/commands/bench_gpu/gpu_main.ts");
  const starting = sources.filter(({ path, text }) =>
    reached.has(path) && /import\.meta\.main|\(import\.meta,/.test(text)
  );
  assertEquals(starting.map(({ path }) => path), []);
  assert(reached.has("eval/bench/gpu/gpu.ts") && reached.size > 100);
});

/** The files of a circle of imports, in order; empty if there is none. */
function circleOf(
  all: readonly Pick<Source, "path" | "imports">[],
): string[] {
  const left = new Map(all.map(({ path, imports }) => [path, imports]));
  const next = (path: string) => left.get(path)!.find((to) => left.has(to));
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const path of [...left.keys()]) if (!next(path)) left.delete(path);
  }
  // Every file left imports another one left: following the imports leads into a circle.
  const way: string[] = [];
  let path: string | undefined = [...left.keys()][0];
  while (path && !way.includes(path)) {
    way.push(path);
    path = next(path);
  }
  return path ? way.slice(way.indexOf(path)) : [];
}

Deno.test("files import each other in no circle, types included", () => {
  assertEquals(circleOf(sources), []);
  const made = Object.entries({ a: ["b"], b: ["c", "d"], c: [], d: ["b"] })
    .map(([path, imports]) => ({ path, imports }));
  assertEquals(circleOf(made), ["b", "d"]);
});

Deno.test("onnxruntime-node is imported by one file", () => {
  const importers = sources.filter(({ imports }) =>
    imports.includes("onnxruntime-node")
  );
  assertEquals(importers.map(({ path }) => path), [
    "core/runtime/onnx_runtime.ts",
  ]);
});
