import { assertEquals, assertStringIncludes } from "@std/assert";
import { demoCommand } from "../demo.ts";

Deno.test("deno task demo refuses unknown options, and prints its help", async () => {
  const refused: [string[], string][] = [
    [["--port", "x"], '--port is "x", expected a whole number'],
    [["--port", "70000"], "expected a whole number from 0 to 65535"],
    [["--what"], "option --what is unknown"],
    [["more"], "argument more is unknown"],
  ];
  for (const [args, message] of refused) {
    const { error, exitCode } = await demoCommand(args);
    assertStringIncludes(error!, message);
    assertEquals(exitCode, 1);
  }
  const { lines } = await demoCommand(["--help"]);
  assertStringIncludes(lines[0], "--port <n>");
});
