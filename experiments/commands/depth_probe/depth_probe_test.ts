import { assert, assertEquals, assertMatch } from "@std/assert";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { writeTinyModel } from "@dip-go/testing/runs";
import { experimentCommand } from "../experiment.ts";

Deno.test("experiment depth-probe prints a verdict, and writes tables and a chart", () =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(`${folder}/model`);
    const { lines, error } = await experimentCommand([
      ...["depth-probe", "--model", `${folder}/model`, "--steps", "5"],
      ...["--pictures", "2", "--batch", "2", "--results", folder],
    ]);
    assertEquals(error, undefined);
    const text = lines.join("\n");
    assertMatch(text, /^conditional half +50 %/m);
    assertMatch(text, /^Verdict: leave out .* % of the MACs\.$/m);
    const files = text.match(/^\S*\/depth-probe\/\w{12}\/\S+$/gm)!;
    const [probe, table, chart] = await Promise.all(
      files.map((file) => Deno.readTextFile(file)),
    );
    const { pictures, calls, verdict } = JSON.parse(probe);
    assertEquals([pictures, calls.length, verdict.length], [2, 4, 6]);
    assertMatch(table, /^\| first 1 of 2 /m);
    assert(chart.startsWith("<svg") && chart.includes("held 2 steps ago"));
  }));

Deno.test("experiment depth-probe refuses prompts of a model of classes", async () => {
  const { error } = await experimentCommand([
    "depth-probe",
    "--prompts",
    "zoo/prompts/scenes-search.txt",
  ]);
  assertMatch(error!, /found --prompts, and it draws classes$/);
});
