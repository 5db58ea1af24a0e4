import { assertEquals } from "@std/assert";
import type { GraphLine } from "../../graph_file.ts";
import { arrayScript, reportScript, submitScript } from "./array_scripts.ts";
import { madeSteps, statesOf, timeOf } from "../run_status.ts";
import { taskArrays } from "./task_arrays.ts";

const line = (
  key: string,
  level: number,
  after: string[] = [],
  change: Partial<GraphLine> = {},
): GraphLine => ({
  key,
  kind: "sample",
  name: key,
  after,
  cost: 1,
  memory: 1e9,
  alone: false,
  level,
  path: key,
  part: 0,
  ...change,
});

const steps = [
  line("fit", 0, [], { kind: "fit", memory: 2e9 }),
  line("a", 1, ["fit"]),
  line("b", 1, ["fit"]),
  line("c", 1, ["fit", "elsewhere"]),
  line("m", 2, ["a", "b", "c"], { kind: "metric" }),
  line("t", 3, ["fit"], { kind: "latency", alone: true }),
];

const arrays = taskArrays(steps, {
  queued: new Map([["elsewhere", "7"]]),
  maxJobs: 2,
});

const place = {
  name: "mine",
  folder: "/graph/slurm-1",
  graph: "/graph",
  cwd: "/home/a b",
  cpus: 4,
  gpus: 1,
  partition: "fast",
  time: "2:00:00",
};

/** A script with "WORKER" instead of this machine's command. */
const anywhere = (script: string) =>
  script.replace(/^\S+ run .*worker\.ts/m, "WORKER");

Deno.test("taskArrays() makes an array for each level and kind; arrays follow each other as their steps do", () => {
  assertEquals(
    arrays.map(({ name, tasks, after, afterJobs }) => [
      name,
      tasks,
      after,
      afterJobs,
    ]),
    [
      ["0-fit", [["fit"]], [], []],
      ["1-sample", [["a"], ["b", "c"]], [0], ["7"]],
      ["2-metric", [["m"]], [1], []],
      ["3-latency", [["t"]], [0, 1, 2], []],
    ],
  );
});

Deno.test("arrayScript() asks for the largest step's memory, finds its steps by key and tries again", () => {
  assertEquals(
    anywhere(arrayScript(arrays[1], place)),
    `#!/bin/bash
#SBATCH --job-name=mine-1-sample
#SBATCH --chdir="/home/a b"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --partition=fast
#SBATCH --gpus=1
#SBATCH --time=2:00:00
#SBATCH --output="/graph/slurm-1/logs/1-sample-%a.log"
#SBATCH --array=0-1
#SBATCH --cpus-per-task=4
#SBATCH --mem=2100M
keys=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" /graph/slurm-1/1-sample.txt)
WORKER /graph 4 $keys && exit
code=$?
# a task that was killed goes on where it was
[ "\${SLURM_RESTART_COUNT:-0}" -lt 2 ] || exit $code
for pause in 5 30 120; do scontrol requeue "$SLURM_JOB_ID" && break; sleep $pause; done
exit $code
`,
  );
  const timed = anywhere(arrayScript(arrays[3], place)).split("\n");
  assertEquals(timed.includes("#SBATCH --exclusive"), true);
  assertEquals(timed.includes("WORKER /graph 0 $keys && exit"), true);
  const report = reportScript(["deno", "it's"], place).trim().split("\n");
  assertEquals(report.at(-1), `deno 'it'\\''s'`);
});

Deno.test("submitScript() submits each array after those that it follows, and the report last", () => {
  assertEquals(submitScript(arrays, place).split("\n").slice(7), [
    "j0=$(submit 0-fit)",
    "j1=$(submit 1-sample --dependency=afterok:$j0:7)",
    "j2=$(submit 2-metric --dependency=afterok:$j1)",
    "j3=$(submit 3-latency --dependency=afterok:$j0:$j1:$j2)",
    "j4=$(submit report --dependency=afterok:$j0:$j1:$j2:$j3)",
    "",
  ]);
});

Deno.test("statesOf() sorts a task's first missing step by whether the task runs, waits or has ended", () => {
  const task = (keys: string[], state: string | null) => ({
    job: "1",
    state,
    keys,
    log: keys.join(),
  });
  const missing = steps.slice(1);
  const tasks = [
    task(["fit"], null),
    task(["a"], null),
    task(["b", "c"], "RUNNING"),
    task(["m"], null), // its dependency was never met
    task(["t"], "PENDING"),
  ];
  const claimed = missing.filter(({ key }) => key === "b");
  const states = statesOf(steps, missing, { tasks, claimed });
  const { done, running, failed, waiting } = states;
  assertEquals(running.map(({ key }) => key), ["b"]);
  assertEquals(failed.map(({ step, log }) => [step.key, log]), [["a", "a"]]);
  assertEquals([done, waiting], [1, 3]);
});

Deno.test("timeOf() multiplies the cost of steps by the time that their kind took for a unit of cost", () => {
  const made = (["sample", "metric"] as const).map((kind) => ({
    key: kind,
    kind,
    cost: 2,
    ms: 100,
  }));
  const ms = 3 * 50 + 50;
  assertEquals(timeOf(steps.slice(1, 5), made), { ms, isPartial: false });
  assertEquals(timeOf(steps, made), { ms, isPartial: true });
});

Deno.test("madeSteps() passes over a line that is half written", () => {
  const made = { key: "a", kind: "sample" as const, cost: 2, ms: 100 };
  const line = JSON.stringify(made);
  const half = line.slice(0, 20);
  assertEquals(madeSteps(`${line}\n${half}${line}\n${half}`), [made, made]);
});
