/** Exported folders in a browser tab, by their own page and onnxruntime-web. */
import { browserPage, webRuntime } from "@dip-go/supernet/export";
import { env } from "onnxruntime-web";
import { assert, assertEquals } from "@std/assert";
import { testExportInTab } from "./export_in_tab.ts";

Deno.test("an exported page asks for the runtime that is tested here", () => {
  assertEquals(webRuntime, env.versions.web);
  assert(
    browserPage("", { weights: [] }).includes("ort.webgpu.bundle.min.mjs"),
  );
});

Deno.test("an exported page shows the name of a model's folder as it is", () => {
  const page = browserPage("R&D <b>: gates", { weights: [] });
  assert(page.includes("<h1>R&amp;D &lt;b>: gates</h1>"));
  assert(!page.includes("R&D <b>"));
});

testExportInTab("dit-shapes", "int8-weights");
