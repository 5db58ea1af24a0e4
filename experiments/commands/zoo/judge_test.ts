import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { judgeCommand } from "./judge.ts";

const model = decodeURIComponent(
  new URL("../../../zoo/models/dit-shapes", import.meta.url).pathname,
);
const testdata = decodeURIComponent(
  new URL("../../../testdata", import.meta.url).pathname,
);

Deno.test("zoo:judge --json counts every class, the shapes' rows sum to the whole", async () => {
  const args = ["--model", model, "--samples-per-class", "1", "--steps", "1"];
  const { lines, error, exitCode } = await judgeCommand([...args, "--json"]);
  assertEquals([error, exitCode], [undefined, 0]);
  const judged = JSON.parse(lines.join("\n"));
  assertEquals([judged.samples, judged.seed], [30, 1]);
  for (const part of ["shape", "colour", "both"]) {
    const right = judged.shapes.reduce(
      (sum: number, row: Record<string, number>) =>
        sum + row.samples * row[part],
      0,
    );
    assert(Math.abs(right / 30 - judged.accuracy[part]) < 1e-9);
  }
});

Deno.test("zoo:judge refuses unknown arguments by name", async () => {
  const refusals: [string[], string][] = [
    [["--sample", "1"], "option --sample is unknown"],
    [["dit-shapes"], "argument dit-shapes is unknown"],
    [["--steps", "0"], '--steps is "0", expected a whole number from 1'],
    [["--guidance-scale", "x"], '--guidance-scale is "x", expected a number'],
    [["--model", `${testdata}/dit`], "expected the 30 of the shapes"],
  ];
  for (const [args, message] of refusals) {
    const { error, exitCode } = await judgeCommand(args);
    assertEquals(exitCode, 1);
    assertStringIncludes(error ?? "", message);
  }
});
