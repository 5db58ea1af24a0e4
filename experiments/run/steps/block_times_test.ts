import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import type { PieceTimes } from "../../measure/piece_times.ts";
import { openBench } from "../bench.ts";
import { checkExperiment, type Experiment } from "../../schema/experiment.ts";
import { fitRow, targetsUpTo } from "./search/fit_row.ts";
import { methodNamed } from "@dip-go/pruner/methods";
import { runExperiment } from "../runner.ts";
import { withSettings } from "../../schema/setting.ts";
import { withTiny } from "@dip-go/testing/runs";

/** The tiny experiment with few rows and budgets of time. */
const timed = (tiny: Experiment): Experiment => ({
  ...withSettings(tiny, ["cost=latency"]),
  sparsity: [0.5],
  methods: ["fewer-steps", "random", "dip-go+steps"],
  mainMethod: "dip-go+steps",
  metrics: [{ kind: "psnr" }],
  latency: { batches: [2], rounds: 1 },
});

Deno.test("a run fits budgets to block times that it measures once, and reports MACs and predicted speedup", () =>
  withTiny(async (tiny, options) => {
    const experiment = timed(tiny);
    const { lines } = options;
    const timings = () =>
      lines.filter((line) => line.includes("block-times")).length;
    const { folder, results } = await runExperiment(experiment, options);
    assertEquals(timings(), 1);
    const text = await Deno.readTextFile(`${folder}/block-times.json`);
    const costs: PieceTimes = JSON.parse(text);
    assert(costs.blocks.every((ns) => Number.isInteger(ns) && ns > 0));
    await using bench = await openBench(experiment, { device: "cpu", costs });
    assertEquals(costs.names, bench.net.blocks.map(({ block }) => block.name));
    const [full, ...rows] = results.rows;
    assertEquals(full.macs, bench.denseMacs);
    assertEquals(rows.map(({ method }) => method), experiment.methods);
    for (const { method, metrics, targetMs } of rows) {
      assertAlmostEquals(targetMs!, bench.denseCost / 2e6, 1e-6);
      const { mean } = metrics["predicted speedup"];
      assert(mean > 1, `${method}: ${mean}`); // by the measured times of the blocks that are left
      const plan = JSON.parse(
        await Deno.readTextFile(`${folder}/plans/${method}-0.5.json`),
      );
      if (!plan.gates) continue;
      const fitted = { kind: "gates", plan: { gates: plan.gates } } as const;
      assertAlmostEquals(mean, bench.denseCost / bench.cost(fitted), 1e-9);
    }
    lines.length = 0;
    const again = await runExperiment(experiment, options);
    assertEquals(timings(), 0);
    assertEquals(again.results.rows, results.rows);
  }));

Deno.test("other costs make fits again, and samples of the full model serve both", () =>
  withTiny(async (tiny, options) => {
    const experiment = {
      ...timed(tiny),
      methods: ["random"],
      mainMethod: "random",
    };
    const made = () =>
      options.lines.flatMap((line) =>
        /: (fit|sample full|block-times) /.exec(line)?.slice(1) ?? []
      );
    await runExperiment({ ...experiment, cost: "macs" }, options);
    assertEquals(made().filter((kind) => kind === "fit").length, 1);
    options.lines.length = 0;
    await runExperiment(experiment, options);
    assertEquals(new Set(made()), new Set(["fit", "block-times"]));
  }));

Deno.test("a budget in milliseconds is a share of the full sampler's time, and plans leave out an expensive block", () =>
  withTiny(async (tiny) => {
    const given = { ...timed(tiny), sparsity: undefined, budgetMs: [3, 2] };
    const experiment = checkExperiment(given);
    await using counted = await openBench(experiment, { device: "cpu" });
    const names = counted.net.blocks.map(({ block }) => block.name);
    const dear = names.findIndex((name) => name.includes("attn"));
    const blocks = names.map((_, i) => i === dear ? 1_000_000 : 1);
    const costs = { blocks };
    await using bench = await openBench(experiment, { device: "cpu", costs });
    assertEquals(counted.budget("2ms"), counted.denseCost);
    assertAlmostEquals(bench.budget("3ms"), 3e6, 1);
    assertThrows(() => bench.budget("0.9ms"), RangeError, "at least 1.0, ");
    const row = { method: methodNamed("random"), target: "2ms" } as const;
    assertEquals(targetsUpTo(experiment, row), ["3ms", "2ms"]);
    const fitted = await fitRow(bench, row, {
      progress: () => {},
      once: () => {
        throw new Error("random searches nothing");
      },
    });
    if (fitted.kind !== "gates") throw new Error(`found ${fitted.kind}`);
    const unit = bench.net.units.indexOf(names[dear]);
    const { steps } = experiment.sampler;
    const runs = fitted.plan.gates.filter((gates) =>
      gates[unit] === 1 && gates.at(-1) === 1
    ).length;
    assert(runs <= steps / 2, `it runs at ${runs} of ${steps} steps`);
    assert(bench.cost(fitted) <= bench.denseCost / 2);
  }));
