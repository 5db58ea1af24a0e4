/** `deno task test:kill`: a run killed twenty times, which takes too long to test with every change. */
import { assert } from "@std/assert";
import { assertSurvives } from "./killed_runs.ts";

Deno.test("A run that is killed twenty times, with one to three processes, ends with the figures of an unbroken one", async () => {
  const hits = await assertSurvives(20, (i) => ["--jobs", `${1 + i % 3}`]);
  console.log(`${hits} of 20 kills hit a run that had not ended`);
  assert(hits > 0);
});
