/** Whole runs on the tiny model: which steps are made again, by how many processes, and that figures agree. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isFile } from "@dip-go/core/files";
import type { Precision } from "@dip-go/core/runtime";
import type { RunIdentity } from "@dip-go/experiments/run";
import { cpuIdentity, provenance, withTiny } from "@dip-go/testing/runs";
import type { Experiment } from "../schema/experiment.ts";
import { allTargets, experimentSteps } from "./steps/experiment_steps.ts";
import type { InputHashes } from "./inputs/input_hashes.ts";
import { type FinishedRun, runExperiment, runShare } from "./runner.ts";
import { startChild } from "../engine/executors/child.ts";
import { inOrder } from "../engine/step_graph.ts";
import { writeGraph } from "./run_graph.ts";
import { openStepTools, StepTools } from "./steps/step_tools.ts";

/** The tiny experiment with few rows: the full model and each row have 2 shards. */
function small(tiny: Experiment): Experiment {
  return {
    ...tiny,
    sparsity: [0.5],
    methods: ["fewer-steps", "random", "dip-go+steps"],
    mainMethod: "dip-go+steps",
    evaluation: { pairs: 4, seed: 9, batch: 2 },
    metrics: [{ kind: "psnr" }],
    latency: { batches: [1], rounds: 1 },
  };
}

/** Runs `body` with the small experiment and a `run` that returns how many steps of each kind were made. */
function withSmall(
  body: (context: {
    experiment: Experiment;
    root: string;
    lines: string[];
    run: (
      change?: Partial<Experiment>,
      options?: { root?: string; jobs?: number; precision?: Precision },
    ) => Promise<{ finished: FinishedRun; made: Record<string, number> }>;
  }) => Promise<void>,
): Promise<void> {
  return withTiny(async (tiny, options) => {
    const experiment = small(tiny);
    const { lines, root } = options;
    await body({
      experiment,
      root,
      lines,
      async run(change = {}, others = {}) {
        lines.length = 0;
        const changed = { ...experiment, ...change };
        const finished = await runExperiment(changed, {
          ...options,
          ...others,
        });
        return { finished, made: madeIn(lines) };
      },
    });
  });
}

/** Steps made by the process that logged these lines, by kind. */
function madeIn(lines: readonly string[]): Record<string, number> {
  const made: Record<string, number> = {};
  for (const line of lines) {
    const [, kind] = /^\d+\/\d+.*?: (\w+) [^()]*$/.exec(line) ?? [];
    if (!kind || /, (elsewhere|left out)$/.test(line)) continue;
    made[kind] = (made[kind] ?? 0) + 1;
  }
  return made;
}

/** The numbers of steps of the small experiment's search, and of all its rows, by kind. */
const searched = { calibration: 1, search: 1 };
const rest = { sample: 8, fit: 3, metric: 3, latency: 1 };

/** Files of a run that hold figures, without times. */
async function figures({ folder, results }: FinishedRun) {
  const files: Record<string, Uint8Array> = {};
  for (const part of ["plans", "rows", "samples"]) {
    for await (const { name } of Deno.readDir(`${folder}/${part}`)) {
      files[name] = await Deno.readFile(`${folder}/${part}/${name}`);
    }
  }
  const timed = /^(latencyMs|speedup|speedupLow|speedupHigh)$/;
  const rows = results.rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => !timed.test(key)))
  );
  return { files, rows };
}

Deno.test("A repeated run makes nothing, and a changed run makes the steps that depend on the change", () =>
  withSmall(async ({ experiment, run }) => {
    const first = await run();
    assertEquals(first.made, { ...searched, ...rest });
    const { folder } = first.finished;
    assert(await isFile(`${folder}/searches/dip-go+steps.json`));
    assert(await isFile(`${folder}/searches/dip-go+steps.curve.jsonl`));
    const again = await run({ description: "reworded" });
    assertEquals(again.made, {});
    assertEquals(again.finished.results, first.finished.results);

    const { evaluation, search } = experiment;
    const more = await run({ evaluation: { ...evaluation, pairs: 6 } });
    assertEquals(more.made, { sample: 4, metric: 3 });
    const odd = await run({ evaluation: { ...evaluation, pairs: 5 } });
    assertEquals(odd.made, { metric: 3 });

    const sparser = await run({ sparsity: [0.5, 0.75] });
    assertEquals(sparser.made, { sample: 6, fit: 3, metric: 3, latency: 1 });
    const methods = ["fora", ...experiment.methods, "uniform-reuse"];
    const wider = await run({ methods, sparsity: [0.25] });
    const rows = wider.finished.results.rows.length - 1;
    assertEquals(wider.made, {
      sample: 2 * rows,
      fit: 5,
      metric: rows,
      latency: 1,
    });
    const joined = await run({ methods: [...experiment.methods, "fora"] });
    assertEquals(joined.made.fit, 1);

    const network = { ...search.network, iterations: 4 };
    const other = await run({ search: { ...search, network } });
    assertEquals(other.made, {
      search: 1,
      fit: 1,
      sample: 2,
      metric: 1,
      latency: 1,
    });
    const metrics = [{ kind: "ssim" as const }, ...experiment.metrics];
    assertEquals((await run({ metrics })).made, { metric: 3 });
    const timed = await run({ latency: { batches: [1], rounds: 2 } });
    assertEquals(timed.made, { latency: 1 });
  }));

Deno.test("A run in float16 makes its own steps, finds the gates of float32, and records its precision", () =>
  withSmall(async ({ run }) => {
    const { finished: single, made } = await run();
    const own = await run({}, { precision: "float16", jobs: 2 });
    assertEquals(made, { ...searched, ...rest });
    assertEquals(own.made, made);
    const half = own.finished;
    assertEquals(
      [single.results.precision, half.results.precision],
      ["float32", "float16"],
    );
    const config = JSON.parse(
      await Deno.readTextFile(`${half.folder}/config.json`),
    );
    assertEquals(config.precision, "float16");
    for (const row of ["dip-go+steps-0.5", "random-0.5"]) {
      const [a, b] = [single, half].map(({ folder }) =>
        `${folder}/plans/${row}`
      );
      assertEquals(
        await Deno.readTextFile(`${a}.json`),
        await Deno.readTextFile(`${b}.json`),
      );
    }
    const [a, b] = [single, half].map(({ results }) =>
      results.rows.at(-1)!.metrics.psnr.mean
    );
    assert(a !== b && Math.abs(a - b) < 0.1, `${a} and ${b} dB`);
    assertEquals((await run({}, { precision: "float16" })).made, {});
  }));

Deno.test("Another network of a metric changes metric steps alone, another model or precision all steps", () =>
  withSmall(async ({ experiment, root }) => {
    const device = "cpu" as const;
    const pair = { kind: "prompt-accuracy" as const, pair: "a folder" };
    const metrics = [...experiment.metrics, pair];
    const judged = { ...experiment, metrics };
    const inputs = { model: "", metrics: [] };
    const precision = "float32" as const;
    const identity = { experiment: judged, device, precision, inputs };
    const part = { root, identity, provenance };
    const options = { log: () => {} };
    await using tools = await openStepTools(part, options);
    const stepsOf = (change: Partial<RunIdentity>) => {
      const other = { ...part, identity: { ...identity, ...change } };
      const { counted, sizes } = tools;
      const own = new StepTools(other, counted, sizes, options);
      return inOrder(allTargets(experimentSteps(own)));
    };
    const first = stepsOf({ inputs: { model: "m", metrics: ["", "a"] } });
    const known = new Set(first.map(({ key }) => key));
    assertEquals(known.size, 1 + 1 + 8 + 3 + 3 + 4 + 1);
    const newKinds = (inputs: InputHashes) => {
      const unknown = stepsOf({ inputs }).filter(({ key }) => !known.has(key));
      return Object.groupBy(unknown, ({ kind }) => kind);
    };
    const another = newKinds({ model: "m", metrics: ["", "b"] });
    assertEquals(Object.keys(another), ["metric"]);
    assertEquals(another.metric!.length, 4);
    const other = newKinds({ model: "n", metrics: ["", "a"] });
    assertEquals(Object.values(other).flat().length, known.size);
    const keys = new Set(stepsOf({}).map(({ key }) => key));
    const half = stepsOf({ precision: "float16" });
    assertEquals(half.filter(({ key }) => keys.has(key)), []);
  }));

/** Flips a bit in the middle of a file, which in a shard lies in the latents. */
async function flip(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[bytes.length >> 1] ^= 1;
  await Deno.writeFile(path, bytes);
}

Deno.test("A damaged file is made again, with the same figures", () =>
  withSmall(async ({ root, lines, run }) => {
    const before = await figures((await run()).finished);
    for (const damage of [(path: string) => Deno.truncate(path, 40), flip]) {
      const kinds = ["calibration", "search", "fit", "sample", "metric"];
      for (const kind of kinds) {
        const [file] = await Array.fromAsync(
          Deno.readDir(`${root}/.steps/${kind}`),
        );
        await damage(`${root}/.steps/${kind}/${file.name}`);
      }
      const { finished, made } = await run();
      assertEquals(made, { ...searched, sample: 1, fit: 1, metric: 1 });
      const damaged = lines.filter((line) => line.includes("is made again"));
      assertEquals(damaged.length, kinds.length);
      assertStringIncludes(damaged.join(), `${root}/.steps/sample/`);
      assertEquals(await figures(finished), before);
    }
  }));

Deno.test("Two runs at once on one folder share the steps and end with equal results", () =>
  withSmall(async ({ lines, run }) => {
    const [a, b] = await Promise.all([run(), run()]);
    assertEquals(madeIn(lines), { ...searched, ...rest });
    assertEquals(a.finished.results, b.finished.results);
    assertEquals(await figures(a.finished), await figures(b.finished));
  }));

Deno.test("Shares and their merge give the figures of one run", () =>
  withTiny(async (tiny, options) => {
    const experiment = small(tiny);
    const { lines, root } = options;
    for (const index of [2, 0, 1]) {
      await runShare(experiment, { index, count: 3 }, options);
    }
    assertEquals(madeIn(lines), { ...searched, sample: 8, fit: 3 });
    lines.length = 0;
    const merged = await runExperiment(experiment, options);
    assertEquals(madeIn(lines), { metric: 3, latency: 1 });
    const alone = { ...options, root: `${root}-whole` };
    const whole = await runExperiment(experiment, alone);
    assertEquals(await figures(merged), await figures(whole));
  }));

Deno.test("Two workers give the figures of one process", () =>
  withSmall(async ({ root, run }) => {
    const one = await run();
    const two = await run({}, { root: `${root}-jobs`, jobs: 2 });
    assertEquals(two.made, one.made);
    assertEquals(await figures(two.finished), await figures(one.finished));
  }));

Deno.test("A killed worker leaves its step to others, and a line reports its death", () =>
  withTiny(async (tiny, { root, lines, log }) => {
    const identity = await cpuIdentity(small(tiny));
    const part = { root, identity, provenance };
    await using tools = await openStepTools(part, { log });
    const targets = [...tools.calibration];
    const { folder, steps } = await writeGraph("tiny", [{ part, targets }]);
    await using child = startChild(folder, { name: "it", threads: 1, log });
    child.process.kill("SIGKILL");
    assertEquals(await child.make(steps[0], () => {}), undefined);
    assertEquals(lines, [
      "it ended by SIGKILL at calibration 1/1; others take its steps over",
    ]);
  }));

Deno.test("A model behind links is the same model, and its README is no part of it", () =>
  withSmall(async ({ experiment: { model }, root, run }) => {
    const linked = `${model}-linked`;
    await Deno.mkdir(linked);
    for (const name of ["model_index.json", "scheduler", "transformer"]) {
      await Deno.symlink(`${model}/${name}`, `${linked}/${name}`);
    }
    await Deno.symlink(linked, `${linked}-again`);
    const whole = await run();
    const first = await run(
      { model: `${linked}-again` },
      { root: `${root}-linked` },
    );
    assertEquals(first.made, whole.made);
    assertEquals(await figures(first.finished), await figures(whole.finished));
    assertEquals((await run({ model: linked })).made, {});
    await Deno.writeTextFile(`${model}/README.md`, "about it");
    const again = await run();
    assertEquals(again.made, {});
    assertEquals(again.finished.folder, whole.finished.folder);
  }));
