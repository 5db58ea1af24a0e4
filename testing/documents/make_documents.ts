/** `deno task docs`: makes anew what documents hold of results and commands. */
import { writeAtomically } from "@dip-go/core/files";
import { commandsPage } from "./commands_page.ts";
import { withTables } from "./tables.ts";

for (const path of ["README.md", "docs/results.md"]) {
  const document = await Deno.readTextFile(path);
  await writeAtomically(path, await withTables(document, ""));
}
await writeAtomically("docs/commands.md", await commandsPage("."));
