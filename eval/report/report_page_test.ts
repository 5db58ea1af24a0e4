import { assert, assertEquals } from "@std/assert";
import {
  hostileMethod,
  hostilePrompt,
  hostileRun,
} from "@dip-go/testing/browser";
import { joinReports } from "./join_reports.ts";
import { reportPage, scriptJson } from "./report_page.ts";

Deno.test("scriptJson() leaves no character that could end a script, and loses nothing", () => {
  const value = { [hostileMethod]: [hostilePrompt, "\u2028", null, 0.1] };
  const json = scriptJson(value);
  assert(!json.includes("<"));
  assertEquals(JSON.parse(json), value);
});

Deno.test("reportPage() is one file whose markup no name can add to", async () => {
  const data = joinReports([hostileRun()]);
  const page = await reportPage({ ...data, title: "</title><b>" });
  // The page's own two scripts and their ends.
  assertEquals(page.match(/<script/g)?.length, 2);
  assertEquals(page.match(/<\/script/g)?.length, 2);
  assert(!page.includes("<b>") && !page.includes("<img"));
  const [, json] = /id="report-data">([^]*?)<\/script>/.exec(page)!;
  assertEquals(JSON.parse(json).rows[1].method, hostileMethod);
});

Deno.test("reportPage() loads nothing", async () => {
  const page = await reportPage(joinReports([hostileRun()]));
  const markup = page.replaceAll(/<script[^]*?<\/script>/g, "");
  assert(!/\b(?:src|href)=|url\(|@import/.test(markup));
  assert(page.includes("default-src 'none'"));
});
