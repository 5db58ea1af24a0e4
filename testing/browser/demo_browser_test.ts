/** Tests of the demo in headless Chromium, on the CPU: the embedded models in few steps. */
import type { Subject } from "@dip-go/core/pipeline";
import { openSubNet } from "@dip-go/supernet";
import { type Plan, readPlan } from "@dip-go/supernet/gates";
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
  plan?: Plan,
): Promise<Uint8ClampedArray> {
  const options = weightsIn8Bits(await fullSampler(model));
  const sampler = await fullSampler(model, options);
  await using subNet = await openSubNet(sampler, plan);
  const [picture] = await subNet.sample(subject, { seed: 1 });
  const { data, shape: [, height, width] } = picture;
  const area = height * width;
  const at = (i: number) => (Number(data[i]) + 1) * 127.5;
  return Uint8ClampedArray.from(
    { length: 4 * area },
    (_, i) => i % 4 === 3 ? 255 : at(i % 4 * area + Math.floor(i / 4)),
  );
}

const isClose = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length &&
  Array.from(a).every((value, i) => Math.abs(value - b[i]) <= 1);

/** Checks that the page draws the pruned sampler's picture first, then the full one's, as the project draws them. */
async function checkFirstPictures(
  page: HeadlessPage,
  { model, subject, plan }: Case,
): Promise<void> {
  await page.evaluate(watch);
  await page.until(isDone, { seconds: 900 });
  const status = await textOf(page, ".status");
  assertEquals(status, "Both are done, from the same noise.");
  const order = await page.evaluate<string[]>("window.order");
  assertEquals(order, ["pruned", "full"]);
  const own = await ownPixels(model, subject);
  assert(isClose(await pixelsOf(page, "full"), own));
  const pruned = await pixelsOf(page, "pruned");
  assert(!isClose(pruned, own));
  if (plan) assert(isClose(pruned, await ownPixels(model, subject, plan)));
  assertStringIncludes(await textOf(page, ".verdict"), "5.0×");
  const origin = plan ? "learned-solver" : "uniform reuse";
  assertStringIncludes(await textOf(page, ".origin"), origin);
  assertEquals(page.errors, []);
}

/** Opens the demo of one model in a window of its own. */
const withDemoOf = (
  { model, plan }: Case,
  view: DemoView,
  body: (page: HeadlessPage) => Promise<void>,
) =>
  inTemporaryFolder((folder) => {
    const compiled = `${folder}/compiled`;
    const plans = plan ? shipped : `${folder}/plans`;
    return withDemoPage({ models: [model], compiled, plans }, view, body);
  });

/** The folder of the plans that ship. */
const shipped = "zoo/subnets";

interface Case {
  readonly model: DemoModel;
  readonly subject: Subject;
  /** The plan that ships at the sparsity that the page shows first; without it none is offered. */
  readonly plan?: Plan;
}

/** Cases of five model calls each: PNDM makes one more than it has steps. */
const cases: readonly Case[] = [
  { model: inFewSteps(demoModels[1], 4), subject: demoModels[1].examples![0] },
  { model: inFewSteps(demoModels[2], 5), subject: demoModels[2].examples![0] },
];

for (const own of cases) {
  Deno.test({
    name:
      `the demo draws ${own.model.name} full and pruned, the pruned one sooner`,
    ignore: missing !== undefined,
    fn: () =>
      withDemoOf(
        own,
        { width: 1240, height: 830 },
        (page) => checkFirstPictures(page, own),
      ),
  });
}

Deno.test({
  name:
    "the demo draws dit-shapes by its learned solver on a narrow screen, and its slider draws anew by key",
  ignore: missing !== undefined,
  fn: async () => {
    const [model] = demoModels;
    const plan = await readPlan(`${shipped}/${model.name}/0.8.json`);
    const own = { model, subject: 3, plan };
    await withDemoOf(own, { width: 360, height: 800 }, async (page) => {
      await checkFirstPictures(page, own);
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
