import { assert, assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { writeAtomically } from "./write_atomically.ts";

Deno.test("writeAtomically() writes through links, also to files that do not exist yet", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.mkdir(`${folder}/real`);
    await Deno.writeTextFile(`${folder}/real/a`, "old");
    await Deno.symlink("real/a", `${folder}/link`);
    await Deno.symlink("link", `${folder}/second`);
    await Deno.symlink("real/b", `${folder}/new`);
    await writeAtomically(`${folder}/second`, "first");
    await writeAtomically(`${folder}/new`, "made");
    assertEquals(await Deno.readTextFile(`${folder}/real/a`), "first");
    assertEquals(await Deno.readTextFile(`${folder}/real/b`), "made");
    for (const name of ["link", "second", "new"]) {
      assert((await Deno.lstat(`${folder}/${name}`)).isSymlink);
    }
    assertEquals([...Deno.readDirSync(`${folder}/real`)].length, 2);
    await Deno.symlink("circle", `${folder}/circle`);
    await assertRejects(
      () => writeAtomically(`${folder}/circle`, ""),
      Error,
      "circle",
    );
  }));
