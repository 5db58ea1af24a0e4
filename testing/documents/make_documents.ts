/** `deno task docs`: makes anew what documents hold of results and commands. */
import { writeAtomically } from "@dip-go/core/files";
import { commandsPage } from "./commands_page.ts";
import { withRecordedCases } from "./recorded_cases.ts";
import { withTables } from "./tables.ts";

for (const path of ["README.md", "docs/results.md"]) {
  const document = await Deno.readTextFile(path);
  await writeAtomically(path, await withTables(document, ""));
}
const compatibility = "docs/compatibility.md";
await writeAtomically(
  compatibility,
  await withRecordedCases(await Deno.readTextFile(compatibility), ""),
);
await writeAtomically("docs/commands.md", await commandsPage("."));
