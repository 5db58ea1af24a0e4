import { assertEquals, assertRejects } from "@std/assert";
import { makeTogether } from "./local_executor.ts";
import { Progress } from "../progress.ts";
import { type Step, step } from "../step.ts";

const named = (name: string, after: Step[] = []): Step =>
  step({
    kind: "metric",
    name,
    reads: name,
    after,
    cost: 1,
    memory: 0,
    make: () => Promise.resolve(0),
  });

/** A worker that makes `lives` steps and then dies. */
const worker = (made: string[], lives: number) => ({
  make: async ({ name }: Step) => {
    await Promise.resolve();
    if (lives-- === 0) return undefined;
    made.push(name);
    return { outcome: "made" as const, ms: 1 };
  },
});

Deno.test("makeTogether() gives out a step after the steps that it reads, and again if its worker died", async () => {
  const a = named("a");
  const steps = [a, named("b", [named("a")]), named("c"), named("d", [a])];
  const progress = new Progress({ log: () => {} });
  const made: string[] = [];
  const mortal = worker(made, 1);
  await makeTogether(steps, [mortal, worker(made, 9)], progress);
  assertEquals(made.toSorted(), ["a", "b", "c", "d"]);
  await assertRejects(
    () => makeTogether(steps, [worker([], 1), worker([], 0)], progress),
    Error,
    "all 2 workers ended, 3 steps are left",
  );
});
