import { assertEquals } from "@std/assert";
import { modelFolder } from "./model_folder.ts";

Deno.test("modelFolder() returns an existing folder, whatever its name", async () => {
  assertEquals(await modelFolder("core/models"), "core/models");
});

Deno.test("modelFolder() returns a path that is no name on the hub", async () => {
  assertEquals(await modelFolder("./no/model"), "./no/model");
});
