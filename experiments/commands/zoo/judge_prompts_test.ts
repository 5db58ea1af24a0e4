import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { judgePromptsCommand } from "./judge_prompts.ts";

const model = decodeURIComponent(
  new URL("../../../zoo/models/sd-shapes", import.meta.url).pathname,
);
const prompts = decodeURIComponent(
  new URL("../../../zoo/prompts/scenes-evaluation.txt", import.meta.url)
    .pathname,
);

Deno.test("zoo:judge-prompts counts the objects drawn for a few held-out prompts, by number of objects", async () => {
  const args = ["--model", model, "--prompts", prompts, "--count", "10"];
  const { lines, error, exitCode } = await judgePromptsCommand(
    [...args, "--steps", "20", "--json"],
  );
  assertEquals([error, exitCode], [undefined, 0]);
  const { rows, steps } = JSON.parse(lines.join("\n"));
  assertEquals(steps, 20);
  assertEquals(
    rows.map((row: { name: string; prompts: number }) => [
      row.name,
      row.prompts,
    ]),
    [["one object", 5], ["two objects", 5], ["all", 10]],
  );
  const [one, two, all] = rows;
  assert(all.objects >= 0.2, `${all.objects}`); // by chance: one in 36
  for (const row of rows) {
    assert(row.exact <= row.pictures && row.pictures <= row.objects);
  }
  assert(Math.abs((one.pictures + two.pictures) / 2 - all.pictures) < 1e-9);
  assert(Math.abs((one.objects + 2 * two.objects) / 3 - all.objects) < 1e-9);
});

Deno.test("zoo:judge-prompts prints a table by default", async () => {
  const { lines } = await judgePromptsCommand(
    ["--model", model, "--prompts", prompts, "--count", "1", "--steps", "1"],
  );
  assertEquals(lines.length, 3);
  assertStringIncludes(lines[0], "objects found");
});

Deno.test("zoo:judge-prompts refuses unknown arguments by name", async () => {
  const refusals: [string[], string][] = [
    [["--sample", "1"], "option --sample is unknown"],
    [["sd-shapes"], "argument sd-shapes is unknown"],
    [["--count", "0"], '--count is "0", expected a whole number from 1'],
    [["--guidance-scale", "x"], '--guidance-scale is "x", expected a number'],
    [["--prompts", "none.txt"], "Cannot read prompts none.txt"],
  ];
  for (const [args, message] of refusals) {
    const { error, exitCode } = await judgePromptsCommand(args);
    assertEquals(exitCode, 1);
    assertStringIncludes(error ?? "", message);
  }
});
