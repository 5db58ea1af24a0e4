/** Exported folders in a browser tab, by their own page and onnxruntime-web. */
import { browserPage, webRuntime } from "@dip-go/supernet/export";
import { webRuntimeBundle, webRuntimeVersion } from "@dip-go/experiments/web";
import { assert, assertEquals } from "@std/assert";
import { exportCommand } from "@dip-go/experiments/commands";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { writeTinyModel } from "../runs/tiny_model.ts";
import { drawnInTab, missing, testExportInTab } from "./export_in_tab.ts";

Deno.test("an exported page asks for the runtime that is tested here", () => {
  assertEquals(webRuntime, webRuntimeVersion);
  assert(browserPage("", { weights: [] }).includes(webRuntimeBundle));
});

testExportInTab("dit-shapes", "int8-weights");

Deno.test({
  name: "an exported page draws the project's picture by WebGPU",
  ignore: missing !== undefined,
  fn: () =>
    inTemporaryFolder(async (folder) => {
      await writeTinyModel(`${folder}/model`);
      const out = `${folder}/out`;
      const args = ["--model", `${folder}/model`, "--steps", "3", "-o", out];
      assertEquals((await exportCommand(args)).error, undefined);
      const { device, difference } = await drawnInTab(out, "software");
      assertEquals(device, "webgpu");
      assert(difference < 1e-3, `${difference}`);
    }),
});
