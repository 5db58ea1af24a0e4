import { assert, assertEquals } from "@std/assert";
import { commandsPage } from "./commands_page.ts";
import { withRecordedCases } from "./recorded_cases.ts";
import { withTables } from "./tables.ts";

const root = decodeURIComponent(new URL("../..", import.meta.url).pathname);

for (const path of ["README.md", "docs/results.md"]) {
  Deno.test(`the tables are those of their results.json: ${path}`, async () => {
    const found = await Deno.readTextFile(root + path);
    const made = await withTables(found, root);
    const cells = (text: string) => text.replaceAll(/[\s-]+/g, "");
    assertEquals(cells(found), cells(made));
    assert(made.includes("<!-- table:"));
  });
}

Deno.test("docs/compatibility.md lists the recorded cases that the tests run", async () => {
  const found = await Deno.readTextFile(`${root}docs/compatibility.md`);
  assertEquals(found, await withRecordedCases(found, root));
  assertEquals(found.match(/<!-- recorded: /g)?.length, 2);
});

Deno.test("docs/commands.md has every task, and the help that commands print", async () => {
  const found = await Deno.readTextFile(`${root}docs/commands.md`);
  assertEquals(found, await commandsPage(root));
});
