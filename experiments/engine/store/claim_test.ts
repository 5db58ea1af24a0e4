import { assert, assertEquals } from "@std/assert";
import { isFile } from "@dip-go/core/files";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { claim, isClaimed } from "./claim.ts";

Deno.test("claim() has one holder at a time, and leaves no file", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/a.claim`;
    await Deno.writeTextFile(path, ""); // as a killed process leaves it
    let held = 0;
    const hold = async () => {
      await using _claim = await claim(path);
      assertEquals([++held, await isFile(path)], [1, true]);
      assert(await isClaimed(path));
      await new Promise((resolve) => setTimeout(resolve, 5));
      held--;
    };
    assert(!await isClaimed(path));
    await Promise.all([hold(), hold(), hold()]);
    assert(!await isFile(path));
    assert(!await isClaimed(path));
  }));
