import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { readJson } from "@dip-go/core/files";
import {
  changedGateLines,
  compiledLines,
  exportCost,
  exportCostLines,
  gradientLines,
  gradientMemory,
  growthLines,
  guidanceLines,
  layerLines,
  layerSubjects,
  measureChangedGate,
  measureCompiled,
  measureGradient,
  measureGrowth,
  measureGuidance,
  measureLayers,
  measurePeers,
  measureSpeed,
  peerLines,
  samplingBytes,
  speedLines,
  tinySubject,
  writeFigures,
} from "@dip-go/eval/bench";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { inTinyPipeline } from "@dip-go/testing/models";
import { benchCommand } from "./bench.ts";

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

Deno.test("bench estimates the full sampler's time from some of its calls", async () => {
  const speed = await measureSpeed(tinySubject(6), {
    sparsity: 0.7,
    rounds: 3,
    fullCalls: 2,
  });
  const { full, subNet } = speed.latency;
  const byMacs = speed.macs.full / speed.macs.subNet;
  assertAlmostEquals(
    speed.overMacs.median,
    full.median / subNet.median / byMacs,
  );
  assertAlmostEquals(
    speed.overMacs.rounds[1],
    full.times[1] / subNet.times[1] / byMacs,
  );
});

Deno.test("bench compares a network with its exporter's graph and with the machine", async () => {
  const { model } = tinySubject(2).net;
  const speed = await measurePeers(model, {
    name: "tiny",
    rounds: 1,
    sides: [64],
  });
  const { ours, exporter } = speed.latency;
  assertAlmostEquals(speed.overExporter, ours.median / exporter.median);
  assertAlmostEquals(speed.rate.ours, 2e-6 * speed.macs / ours.median);
  assert(speed.rate.machine > 0);
  const lines = peerLines([speed]);
  assertStringIncludes(lines[1], "tiny");
  assertStringIncludes(lines[1], speed.overExporter.toFixed(3));
});

Deno.test("bench times a gradient step beside a full pass", async () => {
  const speed = await measureGradient(tinySubject(3), { rounds: 1 });
  const { pass, step } = speed.latency;
  assertEquals(speed.overPass, step.median / pass.median);
  assertEquals([speed.images, speed.steps], [1, 3]);
  assertStringIncludes(gradientLines({ tiny: speed })[1], "tiny");
});

Deno.test("bench compares a compiled SubNet with a session for each step", async () => {
  const options = { sparsity: 0.5, rounds: 1 };
  const speed = await measureCompiled(tinySubject(4), options);
  const { compiled, stepwise } = speed.latency;
  const [, line] = compiledLines({ tiny: speed });
  assertStringIncludes(line, (stepwise.median / compiled.median).toFixed(2));
  assert(speed.nodes > 0 && speed.compile > 0 && speed.open > 0);
});

Deno.test("bench follows cost as steps, images and size grow", () =>
  inTinyPipeline("DiTPipeline", async (folder) => {
    const sizes = { steps: [5, 3], images: [2], sides: [2] };
    const options = { sparsity: 0.5, rounds: 1, steps: 3, sizes };
    const growth = await measureGrowth(folder, options);
    const { steps, images, side } = growth;
    const [common] = steps;
    assertEquals(steps.map((point) => point.steps), [3, 5]);
    assertEquals(images.map((point) => point.images), [1, 2]);
    assertEquals(side.map((point) => point.side / common.side), [1, 2]);
    assert(images[0] === common && side[0] === common);
    for (const { calls, macs } of steps) {
      assertAlmostEquals(macs.full / calls, common.macs.full / common.calls, 1);
    }
    for (const { macs } of images) assertEquals(macs, common.macs);
    assert(side[1].macs.full > 3 * common.macs.full);
    for (const point of [...steps, ...images, ...side]) {
      const { macs, time, speedup, overMacs } = point;
      assert(macs.subNet <= 0.5 * macs.full);
      assertAlmostEquals(speedup, time.full / time.subNet);
      assertAlmostEquals(overMacs, speedup * macs.subNet / macs.full);
    }
    const lines = growthLines({ tiny: growth });
    assertEquals(lines.length, 3 * (1 + 1 + 2));
    assertStringIncludes(lines[0], "tiny: steps");
    assertStringIncludes(lines[2], (common.macs.full / 1e9).toFixed(3));
  }));

Deno.test("bench compares a sampler without guidance with a guided one", async () => {
  const at = (scale: number) => tinySubject(3, scale);
  const measured = await measureGuidance(at, { rounds: 1 });
  assertAlmostEquals(measured.macs.one / measured.macs.both, 0.5, 0.01);
  const bytes = { both: 2, one: await samplingBytes(at(1)) };
  assert(bytes.one >= 0);
  const [, line] = guidanceLines({ tiny: { ...measured, bytes } });
  assertStringIncludes(line, "0.5");
});

Deno.test("bench weighs an export's files: each weight is there once", () =>
  inTemporaryFolder(async (out) => {
    const cost = await exportCost(tinySubject(4), { sparsity: 0.5, out });
    assertEquals((await Deno.stat(`${out}/model.onnx`)).isFile, true);
    const ratio = cost.weightFilesOverWeights;
    assert(ratio > 0.5 && ratio < 1.1, `found ${ratio}`);
    assert(cost.openPeakGb >= cost.exportPeakGb);
    assertStringIncludes(
      exportCostLines({ tiny: cost })[1],
      String(cost.nodes),
    );
  }));

Deno.test("bench writes its figures with the machine", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = await writeFigures(`${folder}/a/b`, "tiny", { ratio: 0.5 });
    const { bench, machine, figures } = await readJson(path) as {
      bench: string;
      machine: { cores: number; memoryGb: number };
      figures: unknown;
    };
    assertEquals([bench, figures], ["tiny", { ratio: 0.5 }]);
    assertEquals(machine.cores, navigator.hardwareConcurrency);
    assert(machine.memoryGb > 0);
  });
});

Deno.test("bench reads the peak memory of a gradient", async () => {
  const { before, peak } = await gradientMemory(tinySubject(3));
  assert(before > 10 && peak >= before);
});

Deno.test("bench times each pass of a layer, and prints its rate if it has products", async () => {
  const tiny = layerSubjects.slice(0, 7)
    .map((subject) => ({ ...subject, shape: [1, 32, 4, 4] }));
  const lines = layerLines(await measureLayers(tiny, { rounds: 1 }));
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

Deno.test("bench prints the cost of a changed gate, once flips and a whole walk agree", () => {
  const figures = measureChangedGate({ steps: 9, flips: 400 });
  assertMatch(changedGateLines(figures)[1], /^mean \d+\.\d µs/);
});

Deno.test("bench refuses unknown subjects and odd options", async () => {
  const refusals: [string[], string][] = [
    [
      [],
      'found "", expected one of dit-xl, sd-unet, dit-shapes, sd-shapes, peers, load, compiled, growth, export, gradient, memory, gates, guidance, end-to-end, sd35, sd15, conv',
    ],
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
