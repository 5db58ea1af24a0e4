import { assert, assertEquals } from "@std/assert";
import { commandsPage } from "./commands_page.ts";
import { claims } from "./coverage/claims.ts";
import {
  coverageTable,
  unborne,
  withCoverage,
} from "./coverage/coverage_tables.ts";
import { readEvidence } from "./coverage/evidence.ts";
import { withTables } from "./tables.ts";

const root = decodeURIComponent(new URL("../..", import.meta.url).pathname);
/** The evidence, read once for all tests. */
const evidence = readEvidence(root);

for (const path of ["README.md", "docs/results.md", "docs/rivals.md"]) {
  Deno.test(`the tables are those of their results.json: ${path}`, async () => {
    const found = await Deno.readTextFile(root + path);
    const made = await withTables(found, root);
    const cells = (text: string) => text.replaceAll(/[\s-]+/g, "");
    assertEquals(cells(found), cells(made));
    assert(made.includes("<!-- table:"));
  });
}

Deno.test("docs/compatibility.md claims what the tests run", async () => {
  const found = await Deno.readTextFile(`${root}docs/compatibility.md`);
  assertEquals(found, await withCoverage(found, root, await evidence));
  for (const name of [...Object.keys(claims), "cases", "chains"]) {
    assert(found.includes(`<!-- covered: ${name} -->`), name);
  }
  const tables = found.match(/^\|( -+ \|)+$/gm)!;
  const marks = found.match(/<!-- covered: (?!chains)/g)!;
  assertEquals(tables.length, marks.length);
});

Deno.test("a claim whose test is gone goes too", async () => {
  assertEquals(unborne(await evidence), []);
  const without = (await evidence).filter(({ name }) => !/a LoRA/.test(name));
  assertEquals(unborne(without), ["a LoRA instead of weights: tests"]);
  const table = coverageTable(claims.refused, without);
  assert(!table.includes("LoRA") && table.includes("dynamic thresholding"));
});

Deno.test("docs/commands.md has every task, and the help that commands print", async () => {
  const found = await Deno.readTextFile(`${root}docs/commands.md`);
  assertEquals(found, await commandsPage(root));
});
