/** A process that `--jobs` starts: makes its part of an experiment, given as JSON, until the process that started it closes its input or ends. */
import { finish, resultOf } from "../commands/options/command.ts";
import { Progress } from "../engine/progress.ts";
import { makePart, type ProcessPart } from "./process_part.ts";

/** Ends this process when its input does: also when its parent was killed. */
async function endWithInput(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
  Deno.exit();
}

if (import.meta.main) {
  endWithInput();
  const part: ProcessPart = JSON.parse(Deno.args[0]);
  const log = (line: string) => console.error(line);
  const status = (line: string) => console.log(line); // for who started it
  finish(
    await resultOf(async () => {
      await makePart(part, new Progress({ log, status }));
      return { lines: [], exitCode: 0 };
    }),
  );
  Deno.exit();
}
