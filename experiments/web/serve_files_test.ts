import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { filesHandler } from "./serve_files.ts";

Deno.test("filesHandler() serves folders with what threads in a tab need, and nothing outside", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.mkdir(`${folder}/inner`);
    await Deno.writeTextFile(`${folder}/secret.txt`, "secret");
    await Deno.writeTextFile(`${folder}/inner/a b.mjs`, "1");
    const handler = filesHandler({ "": new URL(`file://${folder}/inner/`) });
    const get = (path: string) =>
      handler(new Request(`http://127.0.0.1/${path}`));
    const found = await get("a%20b.mjs");
    assertEquals(await found.text(), "1");
    const { headers } = found;
    assertEquals(headers.get("content-type"), "text/javascript; charset=utf-8");
    assertEquals(headers.get("cross-origin-embedder-policy"), "require-corp");
    assertEquals(headers.get("cross-origin-opener-policy"), "same-origin");
    for (const path of ["none", "..%2Fsecret.txt", "", "%2e%2e/secret.txt"]) {
      const { status, body } = await get(path);
      await body?.cancel();
      assertEquals(status, 404, path);
    }
  }));
