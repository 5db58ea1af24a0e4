import { assertEquals, assertMatch } from "@std/assert";
import { Progress } from "./progress.ts";
import { openStatusLine } from "./status_line.ts";
import { type Step, step } from "./step.ts";

const sample = (name: string, cost: number): Step =>
  step({
    kind: "sample",
    name,
    reads: name,
    cost,
    memory: 0,
    make: () => Promise.resolve(0),
  });

Deno.test("Progress counts cached, made, left-out and remaining steps, and takes the time left from the cost of made steps", () => {
  const lines: string[] = [];
  const [a, b, c, d] = [["a", 1], ["b", 2], ["c", 6], ["d", 1]].map((
    [name, cost],
  ) => sample(name as string, cost as number));
  const progress = new Progress({ log: (line) => lines.push(line) });
  progress.add([a, b, c, d], { processes: 2 });
  progress.cached(a);
  progress.starts(b);
  progress.ended(b, "made", 80_000); // 40 s a unit of cost: 7 units left, by two processes
  progress.within(c, 1, 3); // too soon after a line
  progress.ended(c, "found", 1);
  progress.ended(d, "left out", 1);
  assertEquals(lines, [
    "2/4, 1 cached, 2 left, about 2 min: sample b",
    "3/4, 1 cached, 1 left, about 20 s: sample c, elsewhere",
    "4/4, 1 cached: sample d, left out",
  ]);
});

Deno.test("Progress goes on counting when steps are added, and counts known steps once", () => {
  const lines: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => sample(name, 0));
  const progress = new Progress({ log: (line) => lines.push(line) });
  progress.add([a, b]);
  progress.cached(a);
  progress.ended(b, "made", 1);
  progress.add([a, b, c]);
  progress.cached(a);
  progress.cached(b);
  progress.ended(c, "made", 1);
  assertEquals(lines, [
    "2/2, 1 cached: sample b",
    "3/3, 1 cached: sample c",
  ]);
});

Deno.test("Progress replaces its line if the output can, within a step too", () => {
  const lines: string[] = [];
  const [a, b] = [sample("a", 1), sample("b", 1)];
  const progress = new Progress({
    log: () => lines.push("logged"),
    status: (line, share) => lines.push(`${share}: ${line}`),
  });
  progress.add([a, b]);
  progress.starts(a);
  progress.within(a, 1, 3, { loss: 0.5 });
  progress.ended(a, "made", 2000);
  const [first, within, made] = lines;
  assertEquals([first, within], [
    "0: 0/2, 2 left: sample a",
    "0: 0/2, 2 left: (1 of 3, loss 0.5000) sample a",
  ]);
  assertMatch(made, /^0.5: 1\/2, 1 left, .* a second, about 2 s: sample a$/);
});

Deno.test("Progress logs a row's line once all of its steps are there, unless all were there before", async () => {
  const lines: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => sample(name, 0));
  const progress = new Progress({
    log: (line) => lines.push(line),
    status: () => {},
  });
  progress.whenMade([a, b], () => Promise.resolve("a row"));
  progress.whenMade([c], () => Promise.resolve("one that was there"));
  progress.add([a, b, c]);
  progress.cached(a);
  progress.cached(c);
  await progress.tell();
  assertEquals(lines, []);
  progress.ended(b, "made", 1);
  await progress.tell();
  await progress.tell();
  assertEquals(lines, ["a row"]);
});

Deno.test("openStatusLine() clears its line on a terminal, and shows none elsewhere", () => {
  const written = (terminal: boolean) => {
    let text = "";
    const stream = {
      isTerminal: () => terminal,
      writeSync(bytes: Uint8Array) {
        text += new TextDecoder().decode(bytes);
        return bytes.length;
      },
    };
    using output = openStatusLine(stream, { columns: () => 5 });
    output.status?.("123456");
    output.log("done");
    return text;
  };
  assertEquals(written(false), "done\n");
  // deno-lint-ignore no-control-regex
  assertMatch(written(true), /^\r\x1b\[2K1234\r\x1b\[2Kdone\n$/);
});
