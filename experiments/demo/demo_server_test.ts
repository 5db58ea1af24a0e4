import { assertEquals } from "@std/assert";
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
