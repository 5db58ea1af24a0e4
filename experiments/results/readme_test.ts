import { assert, assertEquals } from "@std/assert";
import { withTables } from "./readme.ts";

Deno.test("the README's tables are those of their results.json", async () => {
  const root = new URL("../..", import.meta.url).pathname;
  const readme = await Deno.readTextFile(`${root}README.md`);
  const made = await withTables(readme, root);
  const cells = (text: string) => text.replaceAll(/[\s-]+/g, "");
  assertEquals(cells(readme), cells(made));
  assert(made.includes("<!-- table:"));
});
