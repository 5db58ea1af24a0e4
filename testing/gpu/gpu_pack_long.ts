/** `deno task test:pack`: packs `bench gpu` into a folder and runs it there; Deno downloads its bundler on first use. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { packGpuBench } from "@dip-go/experiments/commands";

async function runPacked(folder: string, args: readonly string[]) {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["run.sh", ...args],
    cwd: folder,
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test("a packed bench gpu is small and runs by itself", () =>
  inTemporaryFolder(async (root) => {
    const folder = `${root}/packed`;
    await packGpuBench(folder);
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const names = entries.map(({ name }) => name).sort();
    assertEquals(names, ["bench.tar.xz", "run.sh"]);
    assert((await Deno.stat(`${folder}/bench.tar.xz`)).size < 60e6);
    assertStringIncludes(await runPacked(folder, ["--help"]), "sh run.sh");
    const software = ["--tiny", "--software", "--steps", "6", "--rounds", "1"];
    const printed = await runPacked(folder, software);
    assertEquals(printed.match(/every operator on the device/g)?.length, 2);
  }));
