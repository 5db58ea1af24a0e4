import { assertEquals, assertStringIncludes } from "@std/assert";
import { zooCommand } from "./zoo.ts";

Deno.test("zoo refuses unknown arguments by name", async () => {
  const refusals: [string[], string][] = [
    [["train", "--what"], "option --what is unknown"],
    [
      ["train", "no-shapes"],
      'Cannot run zoo: found "train no-shapes", expected "train"',
    ],
    [
      ["train", "dit-shapes", "--updates", "ten"],
      '--updates is "ten", expected a whole number from 1',
    ],
    [
      ["train", "dit-shapes", "--from", "x"],
      "--from is for mmdit-shapes and sd-shapes",
    ],
    [["train", "sd-shapes", "--mark-places"], "--mark-places without --from"],
  ];
  for (const [args, message] of refusals) {
    const { error, exitCode } = await zooCommand(args);
    assertEquals(exitCode, 1);
    assertStringIncludes(error ?? "", message);
  }
  const { lines } = await zooCommand(["--help"]);
  assertStringIncludes(lines[0], "Usage: deno task zoo train <name>");
});
