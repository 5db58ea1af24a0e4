import { assert, assertEquals } from "@std/assert";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { faultOf, fuzz } from "./fuzz.ts";
import { victims } from "./victims.ts";

Deno.test("every victim loads while it is intact", () =>
  inTemporaryFolder(async (root) => {
    for (const [name, victim] of Object.entries(victims)) {
      const folder = `${root}/${name}`;
      await Deno.mkdir(folder);
      await victim.prepare(folder);
      await victim.load(folder);
    }
  }));

Deno.test("300 damaged files are loaded or refused by name, without a crash or a hang", () =>
  inTemporaryFolder(async (folder) => {
    const options = { count: 300, seed: 1, patience: 20_000, folder };
    const { loaded, refused, mishaps } = await fuzz(options);
    assertEquals(mishaps, []);
    assertEquals(loaded + refused, 300);
    assert(refused > 100, `${refused} refused`);
  }));

Deno.test("faultOf() tells our errors from the language's, and wants the file", () => {
  const fault = (message: string) => faultOf({ isError: true, message }, "/m");
  assertEquals(fault("Cannot read config /m/config.json: …"), null);
  assert(fault("Cannot read config config.json: …") !== null);
  assert(fault("Cannot read properties of undefined (reading '/m')") !== null);
  assert(fault("Invalid typed array length: 1 /m") !== null);
});
