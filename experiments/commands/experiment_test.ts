import { dirname } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { ReportData } from "@dip-go/eval/report";
import {
  cpuIdentity,
  provenance,
  withTiny,
  writeTinyModel,
} from "@dip-go/testing/runs";
import { claim } from "../engine/store/claim.ts";
import { StepStore } from "../engine/store/step_store.ts";
import { writeGraph } from "../run/run_graph.ts";
import { openStepTools } from "../run/steps/step_tools.ts";
import { compareCommand } from "./compare.ts";
import { experimentCommand } from "./experiment.ts";

/** Runs `body` with a tiny model's folder. */
async function withFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await writeTinyModel(`${folder}/model`);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The data in a report's page. */
async function dataIn(path: string): Promise<ReportData> {
  const page = await Deno.readTextFile(path);
  return JSON.parse(/id="report-data">(.*?)<\/script>/.exec(page)![1]);
}

const settings = (folder: string) =>
  [
    `model=${folder}/model`,
    "sampler.steps=4",
    "search.batch=1",
    "sparsity=[0.5]",
    "evaluation.batch=2",
    "latency.batches=[1]",
    "latency.rounds=1",
  ].flatMap((setting) => ["--set", setting])
    .concat("--busy-ok", resultsIn(folder));

const resultsIn = (folder: string) => ["--results", `${folder}/results`];

Deno.test("experiment --list prints the experiments, and --help the usage", async () => {
  const { lines, exitCode } = await experimentCommand(["--list"]);
  assertEquals(exitCode, 0);
  assert(lines.some((line) => line.startsWith("quickstart  ")));
  assert(lines.some((line) => line.startsWith("paper-table1  ")));
  const help = await experimentCommand(["--help"]);
  assertStringIncludes(help.lines[0], "Usage: deno task experiment");
});

Deno.test("experiment answers mistakes with one line", async () => {
  for (
    const [args, message] of [
      [[], "found 0 names"],
      [
        ["slowstart"],
        '"slowstart", expected a .ts, .json or .yaml file or one of quickstart',
      ],
      [
        ["paper-table1", "--scale", "tiny"],
        '--scale is "tiny", expected one of embedded, full',
      ],
      [
        ["paper-table1", "--set", "sampler.stepz=1"],
        "sampler.stepz is 1, expected no key but kind",
      ],
      [["quickstart", "--sett", "a=1"], "option --sett is unknown"],
      [["quickstart", "--set", "sampler.stepz=1"], "sampler.stepz is 1"],
      [
        ["quickstart", "--set", "seed=x"],
        'seed is "x", expected a whole number',
      ],
      [["quickstart", "--device", "tpu"], '--device is "tpu"'],
      [
        ["quickstart", "--precision", "half"],
        '--precision is "half", expected one of float32, float16',
      ],
      [["quickstart", "--scale", "full"], "--scale is of a paper-* study"],
      [["quickstart", "--limit", "0"], '--limit is "0"'],
      [["quickstart", "--jobs", "two"], '--jobs is "two"'],
      [["quickstart", "--shard", "4/3"], 'it is "4/3", expected i/n'],
      [
        ["quickstart", "--shard", "1/3", "--engine", "print"],
        "found --shard and --engine print, expected one of them",
      ],
      [["quickstart", "--set", "sampler.steps=0"], "sampler.steps is 0"],
    ] as const
  ) {
    const { error, exitCode } = await experimentCommand(args);
    assertEquals(exitCode, 1);
    assertStringIncludes(error!, message);
    assert(!error!.includes("\n"));
  }
});

Deno.test("experiment --dry-run prints methods, MACs and calls, and writes nothing", () =>
  withFolder(async (folder) => {
    const { lines, error } = await experimentCommand(
      ["quickstart", "--dry-run", ...settings(folder)],
    );
    assertEquals(error, undefined);
    const cells = lines.map((line) => line.trim().split(/\s{2,}/));
    assertEquals(cells[0], ["method", "sparsity", "MACs", "speedup", "calls"]);
    assertEquals(cells[1].at(-1), "4");
    assertEquals(cells[2].slice(0, 2), ["fewer-steps", "0.5"]);
    assertEquals(cells[2].slice(3), ["2.00×", "2"]);
    assertEquals(
      await Array.fromAsync(Deno.readDir(folder)).then((a) => a.length),
      1,
    );
  }));

Deno.test("experiment refuses slurm's options beside another engine", async () => {
  for (const [option, ...value] of [["--max-jobs", "3"], ["--print"]]) {
    const args = ["quickstart", "--dry-run", option, ...value];
    assertEquals(
      (await experimentCommand(args)).error,
      `error: Cannot run an experiment: found ${option} and --engine local, expected --engine slurm`,
    );
  }
});

Deno.test("experiment runs a file of one's own, and compare finds its run", () =>
  withFolder(async (folder) => {
    const results = resultsIn(folder);
    const file = `${folder}/mine.yaml`;
    await Deno.writeTextFile(
      file,
      `
model: ${folder}/model
seed: 3
sampler: { steps: 4, guidanceScale: 2 }
superNet: { granularity: sublayer }
sparsity: [0.25, 0.5]
methods: [fewer-steps, uniform-reuse, random]
evaluation: { pairs: 2, seed: 4, batch: 2 }
metrics: [{ kind: psnr }]
latency: { rounds: 1 }
`,
    );
    const { lines, error } = await experimentCommand([
      file,
      "--busy-ok",
      ...results,
    ]);
    assertEquals(error, undefined);
    assertStringIncludes(lines[0], "uniform-reuse");
    const { lines: [csv] } = await compareCommand(
      ["mine", "--format", "csv", ...results],
    );
    assertEquals(csv.match(/^mine,/gm)?.length, 7);
    const odd = ["--set", "search.energy.evaluations=0"];
    const refused = await experimentCommand([file, ...odd, ...results]);
    assertStringIncludes(
      refused.error!,
      "Cannot run experiment mine: search.energy.evaluations is 0, expected a whole number from 1",
    );
  }));

Deno.test("experiment --shard makes samples and no report", () =>
  withFolder(async (folder) => {
    const root = `${folder}/results`;
    const { lines, error } = await experimentCommand(
      ["quickstart", "--limit", "2", "--shard", "1/2", ...settings(folder)],
    );
    assertEquals([lines, error], [["share 1/2 is made"], undefined]);
    const written = await Array.fromAsync(Deno.readDir(root));
    const names = written.map(({ name }) => name).sort();
    assertEquals(names, [".graphs", ".made.jsonl", ".steps"]);
  }));

Deno.test("experiment runs, and compare finds the run by name and by folder", () =>
  withFolder(async (folder) => {
    const results = resultsIn(folder);
    const args = ["quickstart", "--limit", "2", ...settings(folder)];
    const { lines, error } = await experimentCommand(args);
    assertEquals(error, undefined);
    assertStringIncludes(lines[0], "PSNR (dB) ↑");
    const file = lines.find((line) => line.endsWith("/results.json"))!;
    const run = file.replace("/results.json", "");
    const named = await compareCommand([
      "quickstart",
      "--format",
      "csv",
      ...results,
    ]);
    const found = await compareCommand([run, "--format", "csv"]);
    assertEquals(named, found);
    assertEquals(await compareCommand([file, "--format", "csv"]), found);
    assertStringIncludes(named.lines[0], "quickstart");
    const twice = await compareCommand([run, run, "--format", "md"]);
    assertStringIncludes(twice.lines[0], "quickstart (2)");
    const path = `${folder}/joined/report.html`;
    const reported = await compareCommand(
      [run, run, "-o", `${folder}/joined`],
    );
    assertEquals(reported.error, undefined);
    assertEquals((await dataIn(`${run}/report.html`)).runs.length, 1);
    const { runs, rows } = await dataIn(path);
    assertEquals(runs.map(({ name }) => name), [
      "quickstart",
      "quickstart (2)",
    ]);
    // the joined report has gates, pictures and curves of both runs
    assertEquals(runs.map(({ curves }) => curves.length), [3, 3]);
    for (const row of rows) {
      const own = rows[0].pictures!.length;
      assertEquals([own, row.pictures?.length], [2, 2], row.name);
      const whole = ["full", "fewer-steps", "unipc", "gits"].includes(
        row.method,
      );
      assertEquals(row.gates?.length, whole ? undefined : 4, row.name);
    }
    const nowhere = await compareCommand([run, "-o"]);
    assertStringIncludes(nowhere.error!, '-o is "", expected a file');
    const none = await compareCommand(["slowstart", ...results]);
    assertStringIncludes(none.error!, "Cannot compare slowstart");
    const odd = await compareCommand([run, "--format", "pdf"]);
    assertStringIncludes(odd.error!, '--format is "pdf"');
  }));

Deno.test("experiment runs a study at a scale, its settings in every section, and compare finds it", () =>
  withFolder(async (folder) => {
    const results = resultsIn(folder);
    const search = [
      "search.calibration=1",
      "search.dipGo.iterations=1",
      "search.dipGo.network.queryDim=16",
      "search.energy.approach=1",
      "search.energy.evaluations=1",
      "search.refine.iterations=1",
      "search.subset.evaluations=1",
    ].flatMap((setting) => ["--set", setting]);
    const args = [
      "paper-table3",
      "--limit",
      "2",
      ...settings(folder),
      ...search,
      "--set",
      'metrics=[{"kind":"psnr"}]',
      "--set",
      'methods=["fora","dip-go"]', // deepcache-authors needs more blocks
    ];
    const planned = await experimentCommand([...args, "--dry-run"]);
    assertEquals(planned.error, undefined);
    const titles = planned.lines.filter((line) => line.includes("4 calls"));
    assertEquals(titles.map((line) => line.split(":")[0]), [
      "blocks",
      "sublayers",
    ]);
    const { lines, error } = await experimentCommand(args);
    assertEquals(error, undefined);
    assertStringIncludes(lines[0], "DDIM, 110 steps †");
    assertStringIncludes(lines[0], "dip-go (sublayers)");
    const named = await compareCommand([
      "paper-table3",
      "--format",
      "json",
      ...results,
    ]);
    const rows: { method: string; metrics: Record<string, unknown> }[] = JSON
      .parse(named.lines[0]);
    const own = rows.find(({ method }) => method === "dip-go (blocks)")!;
    assert("psnr" in own.metrics);
    const theirs = rows.find(({ method }) => method === "DiP-GO, 0.75")!;
    assertEquals(theirs.metrics.fid_adm, { mean: 3.14 });
  }));

Deno.test("experiment status tells the steps of results that were moved, and those that a process makes", () =>
  withTiny(async (tiny, { root, log }) => {
    const part = { root, identity: await cpuIdentity(tiny), provenance };
    await using tools = await openStepTools(part, { log });
    const targets = [...tools.calibration];
    const { steps } = await writeGraph("tiny", [{ part, targets }]);
    const store = new StepStore(root, { log });
    for (const step of steps.slice(0, -1)) await store.make(step);
    const moved = `${root}-moved`;
    await Deno.rename(root, moved);
    const path = new StepStore(moved, { log }).path(steps.at(-1)!);
    await Deno.mkdir(dirname(path), { recursive: true });
    await using _held = await claim(`${path}.claim`);
    const status = async (name: string) =>
      await experimentCommand(["status", name, "--results", moved]);
    const done = steps.length - 1;
    const { kind, name } = steps.at(-1)!;
    const { lines } = await status("tiny");
    assertMatch(
      lines[0],
      new RegExp(`^tiny: ${done} of ${done + 1} steps done, 1 running, 0 `),
    );
    assertEquals(lines[1], `running: ${kind} ${name}`);
    const { error = "" } = await status("tiniest");
    assertStringIncludes(error, "expected one of tiny (a section is");
  }));
