/** For tests: exports an embedded model and opens its folder in a browser tab. */
import { assert, assertEquals } from "@std/assert";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { browserMissing, HeadlessPage } from "./headless_browser.ts";
import type { Precision } from "@dip-go/core/runtime";
import { exportCommand } from "@dip-go/experiments/commands";
import { fileResponse, webRuntimeFolder } from "@dip-go/experiments/web";

/** The reason why tests in a browser are left out, if they are. */
export const missing = await browserMissing();
if (missing) console.log(`browser tests of export are ignored: ${missing}`);

const embedded = {
  "dit-shapes": ["--class", "7"],
  "sd-shapes": ["--text-encoder", "--prompt", "a big blue star on grey"],
};

const limits: Readonly<Record<Precision, number>> = {
  float32: 1e-3,
  float16: 2e-2,
  int8: 1e-3,
  "int8-weights": 1e-3,
};

/** Adds the test that an exported page draws the project's own picture in onnxruntime-web. */
export function testExportInTab(
  model: keyof typeof embedded,
  precision: Precision,
): void {
  Deno.test({
    name:
      `export of ${model} in ${precision} draws the project's picture in a browser tab`,
    ignore: missing !== undefined,
    fn: () =>
      inTemporaryFolder(async (folder) => {
        const args = ["--model", `zoo/models/${model}`, "--steps", "4"];
        const choice = `${folder}/int8.json`;
        const { error } = await exportCommand([
          ...args,
          ...embedded[model],
          "--precision",
          precision,
          "--int8",
          choice,
          "-o",
          folder,
        ]);
        assertEquals(error, undefined);
        const { difference } = await drawnInTab(folder);
        assert(difference < limits[precision], `${difference}`);
      }),
  });
}

/** Opens an exported page; returns the difference of its picture from the folder's example, and the device. */
export async function drawnInTab(
  folder: string,
  gpu: "software" | "none" = "none",
): Promise<{ readonly difference: number; readonly device: string }> {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
      return path.startsWith("runtime/")
        ? fileResponse(webRuntimeFolder, path.slice("runtime/".length))
        : fileResponse(new URL(`file://${folder}/`), path);
    },
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  await using page = await HeadlessPage.open({ origin, gpu });
  await page.goTo(`${origin}/index.html?runtime=/runtime/`);
  await page.until("document.body.dataset.difference");
  assertEquals(page.errors, []);
  const { drawn, difference, device } = await page.evaluate<
    { drawn: number; difference: string; device: string }
  >(`({
    drawn: new Set(document.querySelector("#picture").getContext("2d")
      .getImageData(0, 0, 16, 16).data).size,
    ...document.body.dataset,
  })`);
  assert(drawn > 2, "the canvas is empty");
  return { difference: Number(difference), device };
}
