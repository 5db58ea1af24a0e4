import { assert } from "@std/assert";
import {
  assertRunsWithoutPath,
  assertSharesSurvive,
  assertSurvives,
} from "./killed_runs.ts";

Deno.test("A run that is killed three times, once with a worker, ends with the figures of an unbroken one", async () => {
  const jobs = ["1", "2", "1"];
  const hits = await assertSurvives(3, (i) => ["--jobs", jobs[i]]);
  assert(hits > 0);
});

Deno.test(
  "of two shards made at once one is killed, and the merge ends with the figures of an unbroken run",
  assertSharesSurvive,
);

Deno.test(
  "the task runs with two processes if deno is not on the PATH",
  assertRunsWithoutPath,
);
