import { assertEquals } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { DemoServer } from "./demo_server.ts";

Deno.test("DemoServer answers every path, also one that cannot be decoded", async () => {
  const folders = { compiled: "none", plans: "none" };
  const { handle } = new DemoServer({ models: [], ...folders });
  const statusOf = async (path: string) => {
    const response = await handle(new Request(`http://127.0.0.1${path}`));
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await statusOf("/"), 200);
  assertEquals(await statusOf("/none"), 404);
  for (const path of ["/%", "/%ff", "/api/%"]) {
    assertEquals(await statusOf(path), 400, path);
  }
});

Deno.test("DemoServer serves compiled files of any folder's name", () =>
  inTemporaryFolder(async (root) => {
    const compiled = `${root}/a # 100%`;
    await Deno.mkdir(compiled);
    await Deno.writeTextFile(`${compiled}/a.json`, "{}");
    const { handle } = new DemoServer({ models: [], compiled, plans: "none" });
    const url = "http://127.0.0.1/compiled/a.json";
    assertEquals(await (await handle(new Request(url))).text(), "{}");
  }));
