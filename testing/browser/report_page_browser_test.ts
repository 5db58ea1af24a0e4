/** Uses the report as a reader does: in a browser, from `file://`, by pointer and keys. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decode } from "fast-png";
import { browserMissing, HeadlessPage } from "./headless_browser.ts";
import { hostileMethod, hostilePrompt, hostileRun } from "./hostile_run.ts";
import { joinReports, reportPage } from "@dip-go/eval/report";

const missing = await browserMissing();
if (missing) console.log(`browser tests of the report are ignored: ${missing}`);

/** Runs `body` on the hostile run's report in a window of a size, and expects no errors of the page. */
async function withReport(
  size: { width: number; height: number; dark?: boolean },
  body: (page: HeadlessPage) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/report.html`;
    const data = joinReports([hostileRun()]);
    await Deno.writeTextFile(path, await reportPage(data));
    await using page = await HeadlessPage.open();
    await page.view(size);
    await page.goTo(`file://${path}`);
    await body(page);
    assertEquals(page.errors, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const wide = { width: 1400, height: 900 };

const texts = (page: HeadlessPage, selector: string) =>
  page.evaluate<string[]>(
    `[...document.querySelectorAll(${
      JSON.stringify(selector)
    })].map((element) => element.textContent)`,
  );

const browserTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

browserTest(
  "report.html shows hostile names as text, and runs none of them",
  () =>
    withReport(wide, async (page) => {
      const methods = await texts(page, ".results tbody th button");
      assertEquals(methods[1], hostileMethod);
      const subject = await texts(page, ".subject");
      assertEquals(subject, [hostilePrompt]);
      assertEquals(
        await page.evaluate("document.querySelectorAll('[onclick], b').length"),
        0,
      );
      const facts = await texts(page, ".facts dd");
      assert(facts.includes("zoo/models/<toy>"));
      assertEquals(await texts(page, ".results .badge"), ["paper"]);
      await page.click(".command button");
      assertEquals(
        await page.evaluate("getSelection().toString()"),
        "deno task experiment toy --set 'model=<toy>'",
      );
    }),
);

browserTest(
  "report.html sorts its table by a click, either way and back",
  () =>
    withReport(wide, async (page) => {
      const psnr = ".results thead th:nth-child(7) button";
      assertEquals(await texts(page, psnr), ["PSNR (dB) ↑"]);
      const column = async () =>
        (await texts(page, ".results tbody td:nth-child(7)"))
          .map((text) => text.split(" ")[0]);
      const given = await column();
      assertEquals(given, ["–", "30.00", "35.00", "20.00", "28.00", "27.00"]);
      await page.click(psnr);
      const up = ["20.00", "27.00", "28.00", "30.00", "35.00", "–"];
      assertEquals(await column(), up);
      const sort = "document.querySelector('th[aria-sort]').ariaSort";
      assertEquals(await page.evaluate(sort), "ascending");
      await page.click(psnr);
      assertEquals(await column(), [...up.slice(0, 5).reverse(), "–"]);
      await page.click(psnr);
      assertEquals(await column(), given);
    }),
);

browserTest(
  "report.html tells a point's row under the pointer, and selects it by click or key",
  () =>
    withReport(wide, async (page) => {
      const tip = ".chart:first-child .tip";
      const shown = `!document.querySelector("${tip}").hidden`;
      assertEquals(await page.evaluate(shown), false);
      const point = '.chart:first-child .point[data-row="3"]';
      await page.hover(point);
      assertEquals(await page.evaluate(shown), true);
      const [text] = await texts(page, tip);
      assertStringIncludes(text, `${hostileMethod}, 75 %`);
      assertStringIncludes(text, "20.00 [19.00, 21.00] ▼");
      const selected = "document.querySelector('aside select').value";
      assert(await page.evaluate(selected) !== "3");
      await page.click(point);
      assertEquals(await page.evaluate(selected), "3");
      await page.evaluate(
        `document.querySelector('.chart .point[data-row="3"]').focus()`,
      );
      await page.press("ArrowLeft", 37);
      await page.press("Enter", 13);
      assert(await page.evaluate(selected) !== "3");
      // choose another metric, and hide a line
      await page.evaluate(`(() => {
      const select = document.querySelector("section select");
      select.value = "1";
      select.dispatchEvent(new Event("change"));
    })()`);
      assertEquals(
        (await texts(page, ".chart .axis-label")).includes("CLIP score ↑"),
        true,
      );
      const points = "document.querySelectorAll('.chart .point').length";
      const before = await page.evaluate<number>(points);
      // a line's four points, two rows in two charts: hovering dims all others, a click hides the four
      const dim = "document.querySelectorAll('.chart .point.dim').length";
      await page.hover(".legend button");
      assertEquals(await page.evaluate<number>(dim), before - 4);
      await page.click(".legend button");
      assertEquals(await page.evaluate<number>(points), before - 4);
    }),
);

browserTest(
  "report.html shows a row's gates and pictures when its line is clicked",
  () =>
    withReport(wide, async (page) => {
      const picture = "document.querySelector('.stage img').src";
      const first = await page.evaluate(picture);
      await page.click(".results tbody tr:nth-child(3)");
      assert(await page.evaluate(picture) !== first);
      assertStringIncludes(
        (await texts(page, ".reading"))[0],
        "dip-go, 50 %: 7 of 12 gates compute, over 4 steps.",
      );
      assertEquals(await texts(page, ".gates .muted"), ["2/4", "2/4", "3/4"]);
      const rows = await texts(page, ".pictures th");
      assertEquals(rows, ["full", hostileMethod, "dip-go"]);
      await page.click(".pictures tr:nth-child(2) td:nth-child(4) button");
      assertEquals(await texts(page, ".pairs span"), ["picture 3 of 3"]);
      assertEquals(await texts(page, ".subject"), ["class 2"]);
      await page.click(".results tbody tr:nth-child(2)");
      assertStringIncludes((await texts(page, ".reading"))[0], "has no gates");
      await page.click(".results tbody tr:nth-child(6)");
      assertEquals(await texts(page, ".none"), ["This row has no pictures."]);
    }),
);

browserTest(
  "report.html uncovers the full model's picture by drag and by key",
  () =>
    withReport(wide, async (page) => {
      const split = () =>
        page.evaluate<string>(
          "document.querySelector('.stage').style.getPropertyValue('--split')",
        );
      assertEquals(await split(), "50%");
      const middle = await page.hover(".stage");
      const width = await page.evaluate<number>(
        "document.querySelector('.stage').clientWidth",
      );
      await page.pointer("mousePressed", middle);
      const aside = { x: middle.x + width / 4, y: middle.y };
      await page.pointer("mouseMoved", aside, "left");
      await page.pointer("mouseReleased", aside);
      const dragged = parseFloat(await split());
      assert(dragged > 65 && dragged < 85, `${dragged}`);
      await page.press("ArrowLeft", 37);
      assertEquals(parseFloat(await split()), dragged - 1);
      const clip = await page.evaluate(
        "getComputedStyle(document.querySelectorAll('.stage img')[1]).clipPath",
      );
      assertStringIncludes(clip as string, `${100 - dragged + 1}%`);
    }),
);

/** The mean of a picture's red channel, which is small for dark pages. */
function brightness(png: Uint8Array): number {
  const { data, channels } = decode(png);
  let sum = 0;
  for (let i = 0; i < data.length; i += channels) sum += data[i];
  return sum / (data.length / channels);
}

browserTest(
  "report.html follows the system's light or dark, and its button turns it over",
  async () => {
    const bright: number[] = [];
    for (const dark of [false, true]) {
      await withReport({ ...wide, dark }, async (page) => {
        bright.push(brightness(await page.screenshot()));
        await page.click(".theme");
        bright.push(brightness(await page.screenshot()));
      });
    }
    const [light, turned, dark, back] = bright;
    assert(light > 200 && back > 200, `${bright}`);
    assert(dark < 70 && turned < 70, `${bright}`);
  },
);

browserTest(
  "report.html fits a narrow screen, where a click brings the pictures into view",
  () =>
    withReport({ width: 360, height: 800 }, async (page) => {
      const { wide, screen } = await page.widths();
      assertEquals(wide, screen);
      await page.click(".results tbody tr:nth-child(3)");
      // the selected row's picture comes into view
      const { top, bottom } = await page.evaluate<
        { top: number; bottom: number }
      >("document.querySelector('.stage').getBoundingClientRect().toJSON()");
      assert(top >= 0 && bottom <= 800, `${top} ${bottom}`);
    }),
);
