/** Every value that a member's `mod.ts` exports has an example, which `deno test --doc` runs. */
import { assert, assertEquals } from "@std/assert";
import { members, readSources } from "./sources.ts";

const sources = new Map(
  readSources().map((source) => [source.path, source]),
);

/** The comment above a name's declaration; re-exports are followed. */
function commentOf(name: string, path: string): string {
  const { text, targets } = sources.get(path)!;
  const declared = new RegExp(
    `(?:/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s*)?^export (?:async )?(?:function\\*?|const|class) ${name}\\b`,
    "m",
  ).exec(text);
  if (declared) return declared[1] ?? "";
  for (const [, names, specifier] of text.matchAll(reExports)) {
    if (namesIn(names).includes(name)) {
      return commentOf(name, targets.get(specifier)!);
    }
  }
  throw new Error(`Cannot find ${name}, which ${path} exports`);
}

const reExports = /^export \{([^}]*)\} from "([^"]+)"/gm;

/** The names in an export's braces, without those of types. */
const namesIn = (list: string): string[] =>
  list.split(",").map((each) => each.trim()).filter((each) =>
    each !== "" && !each.startsWith("type ")
  );

Deno.test("every value at a member's door has an @example", () => {
  const doors = members.map((member) => `${member}/mod.ts`);
  const values = doors.flatMap((door) =>
    [...sources.get(door)!.text.matchAll(reExports)].flatMap(([, names]) =>
      namesIn(names).map((name) => ({ door, name }))
    )
  );
  const silent = values.filter(({ door, name }) =>
    !commentOf(name, door).includes("@example")
  );
  assertEquals(silent, []);
  assert(values.length > 20);
});
