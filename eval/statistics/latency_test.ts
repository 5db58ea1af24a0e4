import { assertEquals, assertRejects } from "@std/assert";
import { interleave } from "./latency.ts";

/** A clock that only the timed functions advance. */
function fakeTimes() {
  let time = 0;
  const calls: string[] = [];
  const takes = (name: string, durations: number[]) => () => {
    calls.push(name);
    time += durations.shift()!;
    return Promise.resolve();
  };
  return { calls, takes, now: () => time };
}

Deno.test("interleave() rotates the order and leaves the warm-up out", async () => {
  const { calls, takes, now } = fakeTimes();
  const latencies = await interleave({
    full: takes("full", [100, 10, 12, 11]),
    pruned: takes("pruned", [100, 4, 6, 8]),
  }, { warmup: 1, rounds: 3, now });
  assertEquals(
    calls.join(" "),
    "full pruned pruned full full pruned pruned full",
  );
  assertEquals(latencies, {
    full: { times: [10, 12, 11], median: 11, min: 10, max: 12 },
    pruned: { times: [4, 6, 8], median: 6, min: 4, max: 8 },
  });
});

Deno.test("interleave() takes the middle of an even number of rounds", async () => {
  const { takes, now } = fakeTimes();
  const { only } = await interleave(
    { only: takes("only", [4, 1, 3, 9]) },
    { warmup: 0, rounds: 4, now },
  );
  assertEquals(only.median, 3.5);
});

Deno.test("interleave() needs a round", async () => {
  await assertRejects(
    () => interleave({}, { rounds: 0 }),
    RangeError,
    "rounds is 0",
  );
});
