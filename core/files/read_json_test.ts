import { assertEquals, assertRejects } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { readJson } from "./read_json.ts";

Deno.test("readJson() takes a byte order mark, and says what is wrong with a text in one line", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/a.json`;
    await Deno.writeTextFile(path, '\uFEFF{"a": 3}');
    assertEquals(await readJson(path), { a: 3 });
    await Deno.writeTextFile(path, '{\n  "a": 3,\n  b\n}');
    const { message } = await assertRejects(
      () => readJson(path),
      TypeError,
      `Cannot read ${path}: not JSON: `,
    );
    assertEquals([/\n/.test(message), /line 3 /.test(message)], [false, true]);
  }));
