/** `deno task docs`: remakes the tables and pages that come from results, tests and commands. */
import { writeAtomically } from "@dip-go/core/files";
import { commandsPage } from "./commands_page.ts";
import { withCoverage } from "./coverage/coverage_tables.ts";
import { readEvidence } from "./coverage/evidence.ts";
import { withTables } from "./tables.ts";

for (const path of ["README.md", "docs/results.md", "docs/rivals.md"]) {
  const document = await Deno.readTextFile(path);
  await writeAtomically(path, await withTables(document, ""));
}
const compatibility = "docs/compatibility.md";
await writeAtomically(
  compatibility,
  await withCoverage(
    await Deno.readTextFile(compatibility),
    "",
    await readEvidence(""),
  ),
);
await writeAtomically("docs/commands.md", await commandsPage("."));
