import { assertEquals } from "@std/assert";
import { modelFolder } from "./model_folder.ts";

Deno.test("modelFolder() takes what is there for a folder, whatever its name", async () => {
  assertEquals(await modelFolder("core/models"), "core/models");
});

Deno.test("modelFolder() leaves a path that is no name on the hub", async () => {
  assertEquals(await modelFolder("./no/model"), "./no/model");
});
