/** `deno task experiment`: runs a declarative experiment, or goes on with one that was killed. */
import { parseArgs } from "@std/cli/parse-args";
import { devices, precisions } from "@dip-go/core/runtime";
import { alignedLines, joinResults, renderTable } from "@dip-go/eval/tables";
import { type CommandResult, finish, resultOf } from "./options/command.ts";
import {
  choiceOption,
  type OptionSource,
  wholeOption,
} from "./options/option_values.ts";
import { experimentNamed, listed, studyNamed } from "../schema/catalogue.ts";
import { dryRun } from "../dry_run/dry_run.ts";
import type { Experiment } from "../schema/experiment.ts";
import { withLocalFiles } from "../run/inputs/local_files.ts";
import { checkMetricFiles } from "../measure/meters.ts";
import {
  dryRunSections,
  runSections,
  sectionsOf,
  shareSections,
} from "../run/study/study_sections.ts";
import { provenanceOf } from "../results/provenance.ts";
import { type FinishedRun, runExperiment, runShare } from "../run/runner.ts";
import { withSetting } from "../schema/setting.ts";
import { parseShare } from "../engine/share.ts";
import { openStatusLine } from "../engine/status_line.ts";

const help = `Runs an experiment and writes results/<name>/<run-id>/.

Usage: deno task experiment <name> [options]

  <name>            See --list
  --list            List the experiments
  --set path=value  Replace a value of the experiment, as in sampler.steps=50; repeatable;
                    model is a folder or a name on the hub, prompts.search and
                    prompts.evaluation are files or owner/name:path of a data set;
                    cost=latency fits budgets to the time that blocks take on this device;
                    a paper-* study takes scale=embedded, and others for every section
  --limit <n>       Evaluate at most n pairs
  --device <d>      ${devices.join(", ")} (default cpu)
  --precision <p>   ${
  precisions.join(", ")
} (default float32): of the network's weights and products
                    as the full model and SubNets are sampled and timed; gates are searched,
                    texts encoded and latents decoded in float32
  --jobs <n>        Fit, sample and measure in n processes, each with its share of the cores
  --shard <i/n>     Make only the i-th of n shares of the samples and what they need, and no
                    report; when all are made, the command without --shard writes it
  --dry-run         Print methods, MACs and model calls; sample nothing. A paper-* study
                    needs no weights for that, and prints disk, memory and hours too
  --help            Print this

The run-id is a hash of the resolved experiment, the model's files, device and precision.
Steps are kept in results/.steps for all runs: the same command goes on with a run that
was killed, and an experiment that changes in part makes that part again.`;

/** Where runs are kept, unless told. */
const defaultRoot = "results";

/** Runs the command on its arguments; errors are part of the result. */
export function experimentCommand(
  args: readonly string[],
  { root = defaultRoot }: { root?: string } = {},
): Promise<CommandResult> {
  return resultOf(() => experimentOf(args, root));
}

async function experimentOf(
  args: readonly string[],
  root: string,
): Promise<CommandResult> {
  const options = parseArgs([...args], {
    boolean: ["help", "list", "dry-run"],
    string: ["set", "device", "precision", "limit", "jobs", "shard", "_"],
    collect: ["set"],
    default: { device: "cpu", precision: "float32", jobs: "1" },
    unknown: refuseOption,
  });
  if (options.help) return { lines: [help], exitCode: 0 };
  if (options.list) return { lines: listLines(), exitCode: 0 };
  if (options._.length !== 1) {
    throw new TypeError(
      `Cannot run an experiment: found ${options._.length} names, expected one; see --help`,
    );
  }
  const device = choiceOption(sourceOf("device", options.device), devices);
  const precision = choiceOption(
    sourceOf("precision", options.precision),
    precisions,
  );
  const jobs = wholeOption(sourceOf("jobs", options.jobs), 1);
  const settings: string[] = options.set;
  const study = studyNamed(options._[0]);
  const share = options.shard === undefined
    ? undefined
    : parseShare(options.shard);
  const command = ["deno task experiment", ...args.map(quoted)].join(" ");
  const provenance = await provenanceOf(command);
  using output = openStatusLine();
  const runOptions = { ...output, device, precision, root, provenance, jobs };
  if (study) {
    const sections = sectionsOf(
      study,
      settings,
      (experiment) => limited(experiment, options.limit),
    );
    if (options["dry-run"]) {
      const lines = await dryRunSections(study, sections, { device });
      return { lines, exitCode: 0 };
    }
    if (share) {
      await shareSections(sections, share, runOptions);
      return { lines: [`share ${options.shard} is made`], exitCode: 0 };
    }
    const run = await runSections(study, sections, runOptions);
    return { lines: summaryLines(run), exitCode: 0 };
  }
  const named = settings.reduce(withSetting, experimentNamed(options._[0]));
  if (!options["dry-run"]) await checkMetricFiles(named); // before anything is downloaded
  const experiment = await withLocalFiles(limited(named, options.limit));
  if (options["dry-run"]) {
    return { lines: await dryRun(experiment, { device }), exitCode: 0 };
  }
  if (share) {
    await runShare(experiment, share, runOptions);
    return { lines: [`share ${options.shard} is made`], exitCode: 0 };
  }
  const run = await runExperiment(experiment, runOptions);
  return { lines: summaryLines(run), exitCode: 0 };
}

function refuseOption(option: string, key?: string): boolean {
  if (!key) return true;
  throw new TypeError(
    `Cannot run an experiment: option ${option} is unknown; see --help`,
  );
}

/** An argument as a shell reads it. */
function quoted(argument: string): string {
  if (/^[\w./:=+-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

function listLines(): string[] {
  const rows = listed.map(({ name, description }) => [name, description]);
  return alignedLines(rows, { left: 2 });
}

const sourceOf = (name: string, text: string): OptionSource => ({
  refusal: "Cannot run an experiment",
  name,
  text,
});

function limited(experiment: Experiment, text: string | undefined): Experiment {
  if (text === undefined) return experiment;
  const { evaluation } = experiment;
  const pairs = Math.min(
    wholeOption(sourceOf("limit", text), 1),
    evaluation.pairs,
  );
  return { ...experiment, evaluation: { ...evaluation, pairs } };
}

function summaryLines({ folder, files, results, notes }: FinishedRun) {
  const bold = Deno.stdout.isTerminal();
  const table = renderTable(joinResults([results]), "text", { bold });
  return [
    table + notes.map((note) => `${note}\n`).join(""),
    ...files.map((file) => `${folder}/${file}`),
  ];
}

if (import.meta.main) finish(await experimentCommand(Deno.args));
