import { assertEquals } from "@std/assert";
import { isFile, statOf } from "./is_file.ts";

Deno.test("nothing is below a file", async () => {
  const { pathname } = new URL(import.meta.url);
  assertEquals(await isFile(pathname), true);
  assertEquals(await statOf(`${pathname}/below`), null);
  assertEquals(await statOf(`${pathname}.missing`), null);
});
