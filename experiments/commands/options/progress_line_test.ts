import { assertEquals } from "@std/assert";
import { ProgressLine } from "./progress_line.ts";

/** What is written as ten parts take twenty seconds each. */
function written(isTerminal: boolean): string[] {
  const texts: string[] = [];
  let time = 0;
  const place = {
    isTerminal,
    write: (text: string) => void texts.push(text),
    now: () => time,
  };
  {
    using line = new ProgressLine(place);
    for (let done = 1; done <= 10; done++) {
      time += 20_000;
      line.show("sparsity 0.5", [done, 10], { loss: 0.125 });
    }
  }
  return texts;
}

Deno.test("ProgressLine writes a line a minute where lines stay", () => {
  assertEquals(written(false), [
    "sparsity 0.5: 3/10, 3.0 a minute, 2 min left, loss 0.1250\n",
    "sparsity 0.5: 6/10, 3.0 a minute, 80 s left, loss 0.1250\n",
    "sparsity 0.5: 9/10, 3.0 a minute, 20 s left, loss 0.1250\n",
  ]);
});

Deno.test("ProgressLine draws a bar with rate, time left and loss in a terminal, and ends its line", () => {
  const texts = written(true);
  assertEquals(texts.length, 11);
  assertEquals(
    texts[4],
    "\r██████████░░░░░░░░░░ sparsity 0.5: 5/10, 3.0 a minute, 2 min left, loss 0.1250\x1b[K",
  );
  assertEquals(texts.at(-1), "\n");
});
