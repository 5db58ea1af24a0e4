/** `deno task test:browser`: the exports that take too long for the gate. */
import { assert, assertEquals } from "@std/assert";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { exportCommand } from "@dip-go/experiments/commands";
import { writeTinyModel } from "../runs/tiny_model.ts";
import { drawnInTab, missing, testExportInTab } from "./export_in_tab.ts";

testExportInTab("dit-shapes", "float32");
testExportInTab("dit-shapes", "float16");
testExportInTab("sd-shapes", "float32");
testExportInTab("sd-shapes", "int8-weights");

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

Deno.test({
  name: "an exported page leaves a GPU that gets attention wrong",
  ignore: missing !== undefined,
  fn: () =>
    inTemporaryFolder(async (folder) => {
      // With more than 16 tokens the software device's fused attention is off.
      const args = ["--model", "zoo/models/dit-shapes", "--class", "7"];
      args.push("--steps", "2", "-o", folder);
      assertEquals((await exportCommand(args)).error, undefined);
      const { device, difference } = await drawnInTab(folder, "software");
      assertEquals(device, "wasm");
      assert(difference < 1e-3, `${difference}`);
    }),
});
