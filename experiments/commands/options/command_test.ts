import { assertEquals } from "@std/assert";
import { resultOf } from "./command.ts";

Deno.test("resultOf() turns what is thrown into one line and exit code 1", async () => {
  const failing = () => Promise.reject(new RangeError("Cannot a:\n  b"));
  assertEquals(await resultOf(failing), {
    lines: [],
    error: "error: Cannot a: b",
    exitCode: 1,
  });
});
