import { assertEquals, assertStringIncludes } from "@std/assert";
import { openStatusLine } from "../../engine/status_line.ts";
import { ProgressLine } from "./progress_line.ts";

/** The texts that are written while ten pieces of work take twenty seconds each. */
function written(isTerminal: boolean): string[] {
  const texts: string[] = [];
  let time = 0;
  const now = () => time;
  const stream = {
    isTerminal: () => isTerminal,
    writeSync: (bytes: Uint8Array) =>
      texts.push(new TextDecoder().decode(bytes)),
  };
  const output = openStatusLine(stream, { columns: () => 100, now });
  using line = new ProgressLine(output, now);
  for (let done = 1; done <= 10; done++) {
    time += 20_000;
    line.show("sparsity 0.5", [done, 10], { loss: 0.125 });
  }
  return texts;
}

Deno.test("ProgressLine writes a line a minute outside a terminal", () => {
  assertEquals(written(false), [
    "sparsity 0.5: 3/10, 3.0 a minute, 2 min left, loss 0.1250\n",
    "sparsity 0.5: 6/10, 3.0 a minute, 80 s left, loss 0.1250\n",
    "sparsity 0.5: 9/10, 3.0 a minute, 20 s left, loss 0.1250\n",
  ]);
});

Deno.test("ProgressLine draws a bar with rate, time left and loss in a terminal", () => {
  assertStringIncludes(
    written(true)[4],
    "██████████░░░░░░░░░░ sparsity 0.5: 5/10, 3.0 a minute, 2 min left, loss 0.1250",
  );
});
