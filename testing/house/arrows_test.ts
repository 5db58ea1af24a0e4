/** Dependencies point one way: experiments → eval, pruner → supernet → core. */
import { assert, assertEquals } from "@std/assert";

/** What each folder may import from, besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  supernet: ["core"],
  pruner: ["core", "supernet"],
  eval: ["core", "supernet"],
  zoo: ["core", "supernet", "eval"],
  testing: ["core", "supernet", "pruner", "eval", "zoo", "experiments"],
  experiments: ["core", "supernet", "pruner", "eval", "zoo"],
};

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (path.endsWith(".ts") && !path.endsWith("_test.ts")) yield path;
  }
}

/** Specifiers of a module's imports and re-exports. */
function importsOf(source: string): string[] {
  return [...source.matchAll(/^(?:import|export)[^"']*?from "([^"]+)"/gms)].map(
    ([, s]) => s,
  );
}

Deno.test("imports follow experiments -> eval, pruner -> supernet -> core", async () => {
  const root = new URL("../..", import.meta.url);
  let seen = 0;
  for (const [folder, targets] of Object.entries(allowed)) {
    const path = new URL(folder, root).pathname;
    if (!await Deno.stat(path).then(() => true, () => false)) continue;
    for await (const file of sources(path)) {
      for (const specifier of importsOf(await Deno.readTextFile(file))) {
        if (!specifier.startsWith(".")) continue;
        const resolved = new URL(specifier, `file://${file}`).pathname;
        const target = resolved.slice(root.pathname.length).split("/")[0];
        assert(
          target === folder || targets.includes(target),
          `${file} imports ${specifier}: ${folder} may not depend on ${target}`,
        );
        seen++;
      }
    }
  }
  assert(seen > 50);
});

Deno.test("onnxruntime-node is imported by one file", async () => {
  const root = new URL("../..", import.meta.url).pathname;
  const importers: string[] = [];
  for (const folder of Object.keys(allowed)) {
    if (!await Deno.stat(root + folder).then(() => true, () => false)) continue;
    for await (const file of sources(root + folder)) {
      const imports = importsOf(await Deno.readTextFile(file));
      if (imports.includes("onnxruntime-node")) {
        importers.push(file.slice(root.length));
      }
    }
  }
  assertEquals(importers, ["core/runtime/session.ts"]);
});
