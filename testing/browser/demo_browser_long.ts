/** `deno task test:browser`: the test of the demo that takes too long for the gate. */
import { assertEquals } from "@std/assert";
import { demoModels } from "@dip-go/experiments/demo";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { isDone, withDemoPage } from "./demo_page.ts";
import { browserMissing } from "./headless_browser.ts";

Deno.test({
  name: "the demo leaves a GPU that gets attention wrong",
  ignore: await browserMissing() !== undefined,
  fn: () =>
    inTemporaryFolder((folder) => {
      const [{ experiment, ...model }] = demoModels;
      const sampler = { ...experiment.sampler, steps: 4 };
      const models = [{ ...model, experiment: { ...experiment, sampler } }];
      const folders = {
        compiled: `${folder}/compiled`,
        plans: `${folder}/plans`,
      };
      const view = { width: 1240, height: 830, gpu: "software" } as const;
      return withDemoPage({ models, ...folders }, view, async (page) => {
        await page.until(isDone, { seconds: 900 });
        const text = (selector: string) =>
          page.evaluate<string>(
            `document.querySelector("${selector}").textContent`,
          );
        assertEquals(
          await text(".status"),
          "Both are done, from the same noise.",
        );
        const said = await text("body");
        assertEquals(said.includes("Runs on the CPU, by wasm"), true);
        assertEquals(page.errors, []);
      });
    }),
});
