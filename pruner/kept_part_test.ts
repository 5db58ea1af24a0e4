import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { keptPart } from "./kept_part.ts";

Deno.test("keptPart() makes a part once for each set of inputs, and anew if its file is damaged", () =>
  inTemporaryFolder(async (folder) => {
    const made: string[] = [];
    const part = (name: string, seed: number) =>
      keptPart(`${folder}/parts`, [name, seed], () => {
        made.push(name);
        return Promise.resolve([name, 0.1]);
      });
    for (let i = 0; i < 2; i++) {
      assertEquals(await part("a", 0), ["a", 0.1]);
      assertEquals(await part("b", 0), ["b", 0.1]);
      assertEquals(await part("a", 1), ["a", 0.1]);
    }
    assertEquals(made, ["a", "b", "a"]);
    for (const { name } of Deno.readDirSync(`${folder}/parts`)) {
      await Deno.truncate(`${folder}/parts/${name}`, 7);
    }
    assertEquals(await part("b", 0), ["b", 0.1]);
    assertEquals(made.length, 4);
  }));
