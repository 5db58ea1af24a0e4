/** Tests of the demo in headless Chromium, on the CPU: the embedded models in few steps. */
import type { Subject } from "@dip-go/core/pipeline";
import { openSubNet } from "@dip-go/supernet";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import {
  type DemoModel,
  demoModels,
  fullSampler,
  weightsIn8Bits,
} from "@dip-go/experiments/demo";
import { browserMissing, type HeadlessPage } from "./headless_browser.ts";
import { type DemoView, isDone, withDemoPage } from "./demo_page.ts";

const missing = await browserMissing();
if (missing) console.log(`browser tests of the demo are ignored: ${missing}`);

const inFewSteps = (model: DemoModel, steps: number): DemoModel => ({
  ...model,
  experiment: {
    ...model.experiment,
    sampler: { ...model.experiment.sampler, steps },
  },
});

/** A script that records the order in which panels finish. */
const watch = `window.order = [];
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.matches(".panel[data-state=done]")) {
      window.order.push(target.dataset.side);
    }
  }
}).observe(document.body, { subtree: true, attributeFilter: ["data-state"] });`;

const textOf = (page: HeadlessPage, selector: string) =>
  page.evaluate<string>(`document.querySelector("${selector}").textContent`);

/** The bytes `[H, W, 4]` of a side's canvas. */
const pixelsOf = (page: HeadlessPage, side: string) =>
  page.evaluate<number[]>(`(() => {
    const canvas = document.querySelector("[data-side=${side}] canvas");
    const { width, height } = canvas;
    return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
  })()`);

/** The project's own picture of the subject that the page draws first, as the bytes of a canvas. */
async function ownPixels(
  model: DemoModel,
  subject: Subject,
): Promise<Uint8ClampedArray> {
  const options = weightsIn8Bits(await fullSampler(model));
  const sampler = await fullSampler(model, options);
  await using full = await openSubNet(sampler);
  const [picture] = await full.sample(subject, { seed: 1 });
  const { data, shape: [, height, width] } = picture;
  const area = height * width;
  const at = (i: number) => (Number(data[i]) + 1) * 127.5;
  return Uint8ClampedArray.from(
    { length: 4 * area },
    (_, i) => i % 4 === 3 ? 255 : at(i % 4 * area + Math.floor(i / 4)),
  );
}

/** Checks that the page draws the pruned sampler's picture first, then the full one's, which is the project's own. */
async function checkFirstPictures(
  page: HeadlessPage,
  model: DemoModel,
  subject: Subject,
): Promise<void> {
  await page.evaluate(watch);
  await page.until(isDone, { seconds: 900 });
  const status = await textOf(page, ".status");
  assertEquals(status, "Both are done, from the same noise.");
  const order = await page.evaluate<string[]>("window.order");
  assertEquals(order, ["pruned", "full"]);
  const own = await ownPixels(model, subject);
  const full = await pixelsOf(page, "full");
  assertEquals(full.length, own.length);
  assert(full.every((value, i) => Math.abs(value - own[i]) <= 1));
  const pruned = await pixelsOf(page, "pruned");
  assertEquals(pruned.length, own.length);
  assert(pruned.some((value, i) => Math.abs(value - own[i]) > 1));
  assertStringIncludes(await textOf(page, ".verdict"), "5.0×");
  assertStringIncludes(await textOf(page, ".origin"), "uniform reuse");
  assertEquals(page.errors, []);
}

/** Opens the demo of one model in a window of its own. */
const withDemoOf = (
  model: DemoModel,
  view: DemoView,
  body: (page: HeadlessPage) => Promise<void>,
) =>
  inTemporaryFolder((folder) => {
    const compiled = `${folder}/compiled`;
    const plans = `${folder}/plans`;
    return withDemoPage({ models: [model], compiled, plans }, view, body);
  });

/** The cases, of five model calls each: PNDM makes one more than it has steps. */
const cases: readonly { model: DemoModel; subject: Subject }[] = [
  { model: inFewSteps(demoModels[1], 4), subject: demoModels[1].examples![0] },
  { model: inFewSteps(demoModels[2], 5), subject: demoModels[2].examples![0] },
];

for (const { model, subject } of cases) {
  Deno.test({
    name: `the demo draws ${model.name} full and pruned, the pruned one sooner`,
    ignore: missing !== undefined,
    fn: () =>
      withDemoOf(
        model,
        { width: 1240, height: 830 },
        (page) => checkFirstPictures(page, model, subject),
      ),
  });
}

Deno.test({
  name:
    "the demo draws dit-shapes on a narrow screen, and its slider draws anew by key",
  ignore: missing !== undefined,
  fn: () => {
    const model = inFewSteps(demoModels[0], 10);
    return withDemoOf(model, { width: 360, height: 800 }, async (page) => {
      await checkFirstPictures(page, model, 3);
      await page.evaluate("document.querySelector('#sparsity').focus()");
      await page.press("ArrowRight", 39);
      await page.until(
        "document.querySelector('.status').dataset.state === 'busy'",
      );
      await page.until(isDone, { seconds: 900 });
      const title = await textOf(page, "[data-side=pruned] h2");
      assertEquals(title, "Pruned 90 % left out");
      assertStringIncludes(await textOf(page, ".verdict"), "10.0×");
      const { wide, screen } = await page.widths();
      assertEquals(wide, screen);
      assertEquals(page.errors, []);
    });
  },
});
