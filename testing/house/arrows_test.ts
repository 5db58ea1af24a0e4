/** Dependencies point one way: experiments -> eval, pruner -> supernet -> core. */
import { assert, assertEquals } from "@std/assert";

/** The members that each member's production code may import from. Tests may import from `testing` too. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  supernet: ["core"],
  pruner: ["core", "supernet"],
  eval: ["core", "supernet"],
  zoo: ["core", "supernet", "eval"],
  experiments: ["core", "supernet", "pruner", "eval", "zoo"],
  testing: ["core", "supernet", "pruner", "eval", "zoo", "experiments"],
};

const root = new URL("../../", import.meta.url).pathname;

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
    ([, specifier]) => specifier,
  );
}

Deno.test("members import only members below them, by name", async () => {
  let seen = 0;
  for (const [member, below] of Object.entries(allowed)) {
    for await (const file of sources(root + member)) {
      for (const specifier of importsOf(await Deno.readTextFile(file))) {
        const [scope, target] = specifier.split("/");
        if (scope === "@dip-go") {
          assert(
            below.includes(target),
            `${file} imports ${specifier}: ${member} may not depend on ${target}`,
          );
          seen++;
        } else if (specifier.startsWith(".")) {
          const path = new URL(specifier, `file://${file}`).pathname;
          assert(
            path.startsWith(`${root}${member}/`),
            `${file} imports ${specifier}: another member is imported by its name`,
          );
        }
      }
    }
  }
  assert(seen > 50);
});

Deno.test("onnxruntime-node is imported by one file", async () => {
  const importers: string[] = [];
  for (const member of Object.keys(allowed)) {
    for await (const file of sources(root + member)) {
      const imports = importsOf(await Deno.readTextFile(file));
      if (imports.includes("onnxruntime-node")) {
        importers.push(file.slice(root.length));
      }
    }
  }
  assertEquals(importers, ["core/runtime/session.ts"]);
});
