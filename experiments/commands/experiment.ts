/** `deno task experiment`: runs a declarative experiment, or goes on with a run that was killed. */
import { dirname } from "node:path";
import { devices, floatPrecisions } from "@dip-go/core/runtime";
import { alignedLines } from "@dip-go/eval/tables";
import { command, type CommandResult, finish } from "./options/command.ts";
import {
  consoleTable,
  intervalsRow,
  resultsRow,
} from "./options/console_table.ts";
import {
  flag,
  oneOf,
  oneWord,
  text,
  texts,
  whole,
} from "./options/option_table.ts";
import { depthProbeCommand } from "./depth_probe/depth_probe.ts";
import { experimentOf, listed, studyNamed } from "../schema/catalogue.ts";
import { deviceRate } from "../dry_run/device_rate.ts";
import { dryRun } from "../dry_run/dry_run.ts";
import { dryRunStudy, type PlannedSection } from "../dry_run/dry_run_study.ts";
import { localSections } from "../run/inputs/local_files.ts";
import type { Section, Study } from "../schema/study.ts";
import { runStudy } from "../run/study/run_study.ts";
import { sectionsOf } from "../run/study/study_sections.ts";
import { provenanceOf } from "../results/provenance.ts";
import {
  type FinishedRun,
  handOver,
  partOf,
  plannedPart,
  runExperiment,
  type RunOptions,
  runShare,
} from "../run/runner.ts";
import { withValues } from "../schema/setting.ts";
import { sectionsOfFile, sweepOf } from "../schema/sweep.ts";
import { graphFolder, readGraph } from "../run/run_graph.ts";
import { quoted } from "../engine/executors/slurm/array_scripts.ts";
import { statusLines } from "../engine/executors/run_status.ts";
import {
  engineRows,
  executorOf,
  withoutEngine,
} from "./options/engine_rows.ts";
import { parseShare } from "../engine/share.ts";
import { openStatusLine } from "../engine/status_line.ts";

const refusal = "Cannot run an experiment";

/** Runs the command on its arguments; errors are part of the result. */
export const experimentCommand = (
  args: readonly string[],
): Promise<CommandResult> =>
  args[0] === "depth-probe"
    ? depthProbeCommand(args.slice(1))
    : experiment(args);

const experiment = command({
  refusal,
  about: "Runs an experiment and writes results/<name>/<run-id>/.",
  usage: [
    "deno task experiment <name or file> [options]",
    "deno task experiment status <name or folder of its graph>",
    "deno task experiment depth-probe --model <folder or name> [options]",
  ],
  words: {
    "<name or file>":
      "See --list; or a .ts, .json or .yaml file with an experiment",
    "depth-probe":
      "In minutes, without a search: whether blocks, steps or halves of guidance are worth pruning on a model; see depth-probe --help",
  },
  options: {
    list: flag("List the experiments"),
    scale: oneOf(["embedded", "full"])(
      "<s>",
      "Of a paper-* study: embedded, the models of this repository, which is the default; or full, the paper's models, from the hub",
    ),
    set: texts(
      "<path=value>",
      "Set a value of the experiment, as in sampler.steps=50; repeatable; model is a folder or a name on the hub, prompts.search and prompts.evaluation are files or owner/name:path of a data set; cost=latency fits budgets to time, budgetMs=[90,60] beside sparsity=null to so many milliseconds; a paper-* study sets it in every section",
    ),
    limit: whole(1)("<n>", "Evaluate at most n pairs"),
    device: oneOf(devices)("<d>", devices.join(", "), { default: "cpu" }),
    precision: oneOf(floatPrecisions)(
      "<p>",
      `${
        floatPrecisions.join(", ")
      }: of the network's weights and products as the full model and SubNets are sampled and timed; gates are searched, texts encoded and latents decoded in float32`,
      { default: "float32" },
    ),
    ...engineRows,
    jobs: whole(1)(
      "<n>",
      "Fit, sample and measure in n processes, each with its share of the cores",
      { default: "1" },
    ),
    "busy-ok": flag(
      "Time rows while other programs keep the machine busy; without it that is refused, and the same command goes on later",
    ),
    "measure-again": flag("Time rows again that were"),
    shard: text(
      "<i/n>",
      "Make only the i-th of n shares of the samples and what they need, and no report; when all are made, the command without --shard writes it",
    ),
    intervals: intervalsRow,
    results: resultsRow,
    "dry-run": flag(
      "Print methods, MACs and model calls; sample nothing. A paper-* study needs no weights for that, and prints disk, memory and hours too",
    ),
  },
  notes:
    "The run-id is a hash of the resolved experiment, the model's files, device and precision. Steps are kept in results/.steps for all runs: the same command goes on with a run that was killed, and an experiment that changes in part makes that part again.",
}, async (
  { set, scale, shard, limit, results: root, ...options },
  words,
  args,
) => {
  if (options.list) {
    const rows = listed.map((each) => [each.name, each.description]);
    return alignedLines(rows, { left: 2 });
  }
  if (words[0] === "status") return await status(words.slice(1), root);
  const name = oneWord(words, { refusal }, "names");
  const share = shard === undefined ? undefined : parseShare(shard);
  if (share && options.engine !== "local") {
    throw new RangeError(
      `${refusal}: found --shard and --engine ${options.engine}, expected one of them`,
    );
  }
  const typed = ["deno task experiment", ...withoutEngine(args).map(quoted)]
    .join(" ");
  using output = openStatusLine();
  const runOptions = {
    ...options,
    ...output,
    root,
    provenance: await provenanceOf(typed),
  };
  const study = studyNamed(name);
  if (scale && !study) {
    throw new RangeError(
      `${refusal}: --scale is of a paper-* study, found ${name}`,
    );
  }
  const settings = scale === undefined ? set : [...set, `scale=${scale}`];
  const whole = study
    ? sectionsOf(study, settings)
    : sectionsOfFile(withValues(await experimentOf(name), settings));
  const sections = whole.map((section) => limited(section, limit));
  const joined = study ?? sweepOf(sections);
  const lines: string[] = [];
  const isDry = options.dryRun;
  const log = (line: string) => lines.push(line);
  const runName = joined?.name ?? sections[0].experiment.name;
  const executor = executorOf(options, { name: runName, args, isDry, log });
  if (executor) {
    const own = isDry ? sections : await localSections(sections);
    const parts = await Array.fromAsync(
      own,
      ({ experiment }) =>
        (isDry ? plannedPart : partOf)(experiment, runOptions),
    );
    await handOver(runName, parts, { executor, log });
    return lines;
  }
  if (isDry) return await dryLines(sections, joined, runOptions);
  const local = await localSections(sections);
  if (share) {
    for (const { experiment } of local) {
      await runShare(experiment, share, runOptions);
    }
    return [`share ${shard} is made`];
  }
  return summaryLines(
    joined
      ? await runStudy(joined, local, runOptions)
      : await runExperiment(local[0].experiment, runOptions),
    options,
  );
});

async function dryLines(
  sections: readonly Section[],
  study: Study | undefined,
  options: RunOptions,
): Promise<string[]> {
  const planned: PlannedSection[] = [];
  for (const { label, experiment } of sections) {
    planned.push({ label, part: await plannedPart(experiment, options) });
  }
  if (study) {
    const rate = await deviceRate(options.device);
    return await dryRunStudy(study, planned, { rate });
  }
  const lines: string[] = [];
  for (const { label, part } of planned) {
    if (planned.length > 1) lines.push(`${label}:`);
    lines.push(...await dryRun(part));
  }
  return lines;
}

/** The progress of a run that was handed to an executor or is being made. */
async function status(
  words: readonly string[],
  root: string,
): Promise<string[]> {
  const name = oneWord(words, { refusal: "Cannot tell a status" }, "names");
  const folder = await graphFolder(name, root);
  const { name: of, steps, parts } = await readGraph(folder);
  const here = dirname(dirname(folder)); // the results, though they were moved
  const found = steps.map((step) => ({
    ...step,
    path: here + step.path.slice(parts[step.part].root.length),
  }));
  return await statusLines({ name: of, steps: found, root: here, folder });
}

function limited(section: Section, limit: number = Infinity): Section {
  const { experiment, experiment: { evaluation } } = section;
  const pairs = Math.min(limit, evaluation.pairs);
  return {
    ...section,
    experiment: { ...experiment, evaluation: { ...evaluation, pairs } },
  };
}

function summaryLines(
  { folder, files, results, notes }: FinishedRun,
  options: { readonly intervals: boolean },
) {
  const table = consoleTable([results], options);
  return [
    table + notes.map((note) => `${note}\n`).join(""),
    ...files.map((file) => `${folder}/${file}`),
  ];
}

if (import.meta.main) finish(await experimentCommand(Deno.args));
