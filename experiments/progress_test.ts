import { assertEquals, assertMatch } from "@std/assert";
import { Progress } from "./progress.ts";

Deno.test("Progress says what was done, kept or left out, and what is left only once something was done", async () => {
  const lines: string[] = [];
  const progress = new Progress("evaluate", 3, (line) => lines.push(line));
  await progress.part("a", () => Promise.resolve("kept"));
  await progress.part("b", () => {
    progress.within("b", { done: 1, total: 2 });
    return new Promise((done) => setTimeout(() => done("done"), 5));
  });
  await progress.part("c", () => Promise.resolve("left out"));
  assertEquals(lines[0], "evaluate 1/3  a, kept");
  assertMatch(lines[1], /^evaluate 2\/3 {2}b, about 1 s left$/);
  assertEquals(lines[2], "evaluate 3/3  c, left out");
});
