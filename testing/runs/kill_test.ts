import { assert } from "@std/assert";
import { assertSurvives } from "./killed_runs.ts";

Deno.test("A run that is killed three times, once with a worker, ends with the figures of an unbroken one", async () => {
  const jobs = ["1", "2", "1"];
  const hits = await assertSurvives(3, (i) => ["--jobs", jobs[i]]);
  assert(hits > 0);
});
