import { assertEquals } from "@std/assert";
import { bundleHeader, sourcesHash } from "./bundle.ts";

Deno.test("page.bundle.js is made from the page's current sources; if not, run deno task report:bundle", async () => {
  const path = new URL("page.bundle.js", import.meta.url);
  const [header] = (await Deno.readTextFile(path)).split("\n");
  assertEquals(header, bundleHeader(await sourcesHash()));
});
