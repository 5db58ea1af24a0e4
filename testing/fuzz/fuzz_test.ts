import { assert, assertEquals } from "@std/assert";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { faultOf, fuzz } from "./fuzz.ts";
import { victims } from "./victims/victims.ts";

Deno.test("every victim loads while it is intact", () =>
  inTemporaryFolder(async (root) => {
    for (const [name, victim] of Object.entries(victims)) {
      const folder = `${root}/${name}`;
      await Deno.mkdir(folder);
      await victim.prepare(folder);
      await victim.load(folder);
    }
  }));

Deno.test("two damaged files of every kind are loaded or refused by name, without a crash or a hang", () =>
  inTemporaryFolder(async (folder) => {
    const count = 2 * Object.keys(victims).length;
    const options = { count, seed: 1, patience: 20_000, folder };
    const { counts, mishaps } = await fuzz(options);
    assertEquals(mishaps, []);
    assertEquals(counts.size, Object.keys(victims).length);
    const all = [...counts.values()];
    const refused = all.reduce((sum, each) => sum + each.refused, 0);
    assert(refused > count / 2 && refused < count, `${refused} refused`);
  }));

Deno.test("faultOf() tells our errors from JavaScript's own, and wants them to name the file", () => {
  const fault = (message: string) => faultOf({ isError: true, message }, "/m");
  assertEquals(fault("Cannot read config /m/config.json: …"), null);
  assert(fault("Cannot read config config.json: …") !== null);
  assert(fault("Cannot read properties of undefined (reading '/m')") !== null);
  assert(fault("Invalid typed array length: 1 /m") !== null);
});
