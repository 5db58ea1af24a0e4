import { assert, assertEquals } from "@std/assert";
import { breakAfter, startDownload, withHub } from "@dip-go/testing/hub";
import { withLock } from "./lock.ts";
import { snapshot } from "../snapshot.ts";

const files = {
  "model_index.json": "{ }",
  "unet/config.json": "{}",
  "unet/diffusion_pytorch_model.safetensors": new Uint8Array(3_000_000)
    .map((_, i) => i >> 8),
};
const weightName = "unet/diffusion_pytorch_model.safetensors";

Deno.test("processes that ask for one model at once download it once, even if one of them is killed", () =>
  withHub(
    { files, fault: breakAfter(1_000_000, { path: weightName }) },
    async (hub) => {
      const start = () => startDownload("owner/name", hub.settings);
      const killed = start();
      const said = killed.stderr.pipeThrough(new TextDecoderStream());
      for await (const text of said) if (text.includes("asking again")) break;
      const others = [start(), start(), start()];
      killed.kill("SIGKILL"); // while it waits, its lock held
      await killed.output();
      for (const process of others) {
        const { success, stdout, stderr } = await process.output();
        const text = new TextDecoder();
        assert(success, text.decode(stderr));
        const folder = text.decode(stdout).trim();
        assertEquals(
          await Deno.readFile(`${folder}/${weightName}`),
          files[weightName],
        );
      }
      const transfers = hub.asked.filter(({ path }) => path === weightName);
      assertEquals(transfers.length, 2);
      assertEquals(transfers[1].begin, 1_000_000);
    },
  ));

Deno.test("tasks of one process wait for each other, too", () =>
  withHub({ files }, async (hub) => {
    const name = { repo: "owner/name", revision: "main" };
    const tasks = Array.from({ length: 4 }, () => snapshot(name, hub.settings));
    const folders = await Promise.all(tasks);
    assertEquals(new Set(folders).size, 1);
    assertEquals(hub.asked.filter(({ path }) => path !== "").length, 3);
  }));

Deno.test("withLock() takes no lock of a file that was removed meanwhile", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/lock`;
  let inside = 0;
  const task = async () => {
    assertEquals(++inside, 1);
    await new Promise((go) => setTimeout(go, 20));
    await Deno.remove(path).catch(() => {}); // as some owners do
    inside--;
  };
  await Promise.all(Array.from({ length: 4 }, () => withLock(path, task)));
  await Deno.remove(folder, { recursive: true });
});
