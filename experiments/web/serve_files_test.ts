import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { fileResponse } from "./serve_files.ts";

Deno.test("fileResponse() serves a folder with the headers that threads need, and nothing outside", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.mkdir(`${folder}/inner`);
    await Deno.writeTextFile(`${folder}/secret.txt`, "secret");
    await Deno.writeTextFile(`${folder}/inner/a b.mjs`, "1");
    const get = (path: string) =>
      fileResponse(new URL(`file://${folder}/inner/`), path);
    const found = await get("a b.mjs");
    assertEquals(await found.text(), "1");
    const { headers } = found;
    assertEquals(headers.get("content-type"), "text/javascript; charset=utf-8");
    assertEquals(headers.get("cross-origin-embedder-policy"), "require-corp");
    assertEquals(headers.get("cross-origin-opener-policy"), "same-origin");
    const outside = ["../secret.txt", "%2e%2e/secret.txt"];
    for (const path of ["none", "a b.mjs/none", ...outside, "", "\0"]) {
      const { status, headers, body } = await get(path);
      await body?.cancel();
      assertEquals(status, 404, path);
      assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
    }
  }));
