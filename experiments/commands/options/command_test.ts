import { assertEquals } from "@std/assert";
import { resultOf } from "./command.ts";

Deno.test("resultOf() turns an error into one line and exit code 1", async () => {
  const failing = () => Promise.reject(new RangeError("Cannot a:\n  b"));
  assertEquals(await resultOf(failing), {
    lines: [],
    error: "error: Cannot a: b",
    exitCode: 1,
  });
  const { error } = await resultOf(() => Deno.readTextFile("none") as never);
  assertEquals(error, "error: Cannot open none: No such file or directory");
  const wrapped = await resultOf(() =>
    Deno.readTextFile("none").catch((cause) => {
      throw new Error(`Cannot measure a: ${cause.message}`, { cause });
    }) as never
  );
  assertEquals(
    wrapped.error,
    "error: Cannot measure a: No such file or directory: none",
  );
});
