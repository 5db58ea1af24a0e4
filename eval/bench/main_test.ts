import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { gradientMemory } from "./gradient_memory.ts";
import { layerLines, layerSubjects } from "./layer_gradients.ts";
import { benchCommand } from "./main.ts";
import { measureSpeed, speedLines } from "./sub_net_speed.ts";
import { tinySubject } from "./tiny_subject.ts";

Deno.test("bench prints the gates, both costs, and measured speed over MACs", async () => {
  const speed = await measureSpeed(tinySubject(6), {
    sparsity: 0.7,
    rounds: 2,
  });
  assertEquals(speed.latency.full.times.length, 2);
  assertEquals(speed.latency.subNet.times.length, 2);
  const lines = speedLines(speed);
  assertEquals(lines[0], "  step  0  #############");
  assertEquals(lines.length, 6 + 3 + 2);
  assertStringIncludes(lines.at(-1)!, "measured / MACs");
});

Deno.test("bench reads the peak memory of a gradient", async () => {
  const { before, peak } = await gradientMemory(tinySubject(3));
  assert(before > 10 && peak >= before);
});

Deno.test("bench times each pass of a layer, and its rate where it has products", async () => {
  const tiny = layerSubjects.slice(0, 7)
    .map((subject) => ({ ...subject, shape: [1, 32, 4, 4] }));
  const lines = await layerLines(tiny, { rounds: 1 });
  assertEquals(lines.length, 1 + tiny.length + 1);
  const times = (line: string) => line.split("]")[1].trim().split(/ {2,}/);
  assertEquals(lines.slice(1, -1).map((line) => times(line).length), [
    ...Array(5).fill(3),
    ...Array(2).fill(2), // no weights
  ]);
  assertMatch(times(lines[1])[2], /^[\d.]+ \(\d+\)$/);
  assertMatch(times(lines[5])[2], /^[\d.]+$/);
});

Deno.test("bench prints its help", async () => {
  const { lines, exitCode } = await benchCommand(["--help"]);
  assertEquals(exitCode, 0);
  assertStringIncludes(lines[0], "deno task bench <what>");
});

Deno.test("bench refuses what it cannot measure", async () => {
  const refusals: [string[], string][] = [
    [[], 'found "", expected one of dit-xl, dit-shapes, memory, sd15, conv'],
    [["toString"], 'found "toString"'],
    [["dit-xl", "--steps", "1"], '--steps is "1"'],
    [["dit-xl", "--sparsity", "1"], '--sparsity is "1"'],
    [["dit-xl", "--rounds", "x"], '--rounds is "x"'],
    [["memory", "--fast"], "option --fast is unknown"],
  ];
  for (const [args, message] of refusals) {
    const { error, exitCode } = await benchCommand(args);
    assertEquals(exitCode, 1);
    assertStringIncludes(error!, message);
  }
});
