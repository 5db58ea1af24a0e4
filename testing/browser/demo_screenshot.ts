/** `deno task demo:screenshot`: takes the picture of the finished demo that docs/demo.md shows. */
import { parseArgs } from "@std/cli/parse-args";
import { writeAtomically } from "@dip-go/core/files";
import { demoModels } from "@dip-go/experiments/demo";
import { isDone, withDemoPage } from "./demo_page.ts";

const { o, dark, narrow, model } = parseArgs(Deno.args, {
  string: ["o", "model"],
  boolean: ["dark", "narrow"],
  default: { o: "docs/demo/demo.png" },
});
const options = {
  models: demoModels.filter(({ name }) => !model || name === model),
  compiled: "results/demo",
  plans: "zoo/subnets",
};
const size = narrow
  ? { width: 390, height: 1500 }
  : { width: 1240, height: 830 };
await withDemoPage(options, { ...size, dark }, async (page) => {
  await page.until(isDone, { seconds: 1200 });
  await writeAtomically(o, await page.screenshot());
  for (const error of page.errors) console.error(error);
});
