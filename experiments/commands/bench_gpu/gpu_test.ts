import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { gpuLines } from "@dip-go/eval/bench/gpu";
import { readOptions } from "../options/option_table.ts";
import { gpuForm, gpuRequest } from "./gpu_options.ts";
import { benchCommand } from "../bench.ts";

const times = (...times: number[]) => ({
  times,
  median: times[0],
  min: Math.min(...times),
  max: Math.max(...times),
});

Deno.test("bench gpu prints speedups by MACs and by the clock, and their ratio", () => {
  const lines = gpuLines({
    model: "model",
    offDevice: ["Sign (a/Sign)"],
    samplers: [
      { name: "full", macs: 10e9, latency: times(100, 90, 120) },
      { name: "0.8", macs: 2e9, latency: times(25, 24, 26) },
    ],
  });
  assertEquals(lines.map((line) => line.trim().split(/ {2,}/)), [
    ["model"],
    [
      "sparsity",
      "GMACs",
      "median ms",
      "range ms",
      "MACs speedup",
      "measured",
      "measured / MACs",
    ],
    ["full", "10.000", "100.0", "90.0 to 120.0", "1.000", "1.000", "1.000"],
    ["0.8", "2.000", "25.0", "24.0 to 26.0", "5.000", "4.000", "0.800"],
    ["on the CPU: Sign (a/Sign)"],
    [""],
  ]);
});

Deno.test("bench gpu computes in float16, on tiny shapes in float32, and refuses odd options", () => {
  const parsed = (args: string[]) => {
    const read = readOptions(args, gpuForm);
    return read === "help" ? read : gpuRequest(read.values);
  };
  const precisionOf = (...args: string[]) => {
    const request = parsed(args);
    return typeof request === "object" && "precision" in request &&
      request.precision;
  };
  assertEquals(precisionOf(), "float16");
  assertEquals(precisionOf("--tiny"), "float32");
  assertEquals(precisionOf("--tiny", "--precision", "float16"), "float16");
  assertEquals(parsed(["--pack", "there"]), { pack: "there" });
  assertThrows(() => parsed(["--device", "tpu"]), RangeError, '"tpu"');
  assertThrows(() => parsed(["--step", "3"]), TypeError, "--step");
  assertThrows(() => parsed(["--steps", "5"]), RangeError, "from 6");
  assertThrows(() => parsed(["--software"]), RangeError, "--tiny");
});

Deno.test("bench gpu prints its own help", async () => {
  const { lines, exitCode } = await benchCommand(["gpu", "--help"]);
  assertEquals(exitCode, 0);
  assertStringIncludes(lines[0], "--pack <folder>");
});
