/** `deno task prune`: finds the blocks that a model's steps can do without, as plans for other commands. */
import { cpus } from "node:os";
import { dirname } from "node:path";
import { loadPipeline, readPrompts } from "@dip-go/core";
import { isFile, writeAtomically } from "@dip-go/core/files";
import { promptFile } from "@dip-go/core/hub";
import type { PipelineSampler } from "@dip-go/core/pipeline";
import { devices } from "@dip-go/core/runtime";
import { methodNames, prune } from "@dip-go/pruner";
import { keptPart, usualMethod } from "@dip-go/pruner/methods";
import { denseMacs, type Plan, superNetOf } from "@dip-go/supernet/gates";
import { planMacs } from "@dip-go/supernet/solver";
import { pipelineHashes } from "../run/inputs/input_hashes.ts";
import { byBudget, msOf, type Target, targetsOf } from "../run/target.ts";
import { command, finish } from "./options/command.ts";
import { gatesRows, modelRows, samplerRows } from "./options/model_rows.ts";
import {
  type CommandForm,
  flag,
  fraction,
  list,
  oneOf,
  path,
  positive,
  required,
  whole,
} from "./options/option_table.ts";
import { checkFolder, checkNoFolder } from "./options/output_folder.ts";
import { plansWithin, SamplerTimes } from "./prune/time_budgets.ts";
import { ProgressLine } from "./options/progress_line.ts";

const form = {
  refusal: "Cannot prune",
  about: "Finds which blocks of which steps a model can do without.",
  usage: [
    "deno task prune --model <folder or name> --prompts <file> --sparsity <s,...> [options] -o plan.json",
    "deno task prune --model <folder or name> --prompts <file> --budget-ms <ms,...> [options] -o plan.json",
  ],
  options: {
    ...modelRows,
    prompts: path(
      "<file>",
      "What the search draws with a model that reads text, none of it an evaluation's: a prompt a line, or owner/name:path of a data set on the hub",
    ),
    classes: list(whole(0))(
      "<id,...>",
      "What it draws with a model of classes (default: at random)",
    ),
    sparsity: list(fraction)(
      "<s,...>",
      "Fractions of the full sampler's MACs to leave out",
    ),
    "budget-ms": list(positive)(
      "<ms,...>",
      "In the place of --sparsity: milliseconds that a picture's calls of the network, and what is between them, may take on this machine; text encoders and decoder are not counted",
    ),
    "busy-ok": flag(
      "Take times while other programs keep the machine busy; without it that is refused",
    ),
    ...samplerRows,
    granularity: gatesRows.granularity,
    method: oneOf(methodNames)(
      "<name>",
      `${
        methodNames.join(", ")
      } (default learned-solver; energy+forecast with a sampler that adds noise)`,
    ),
    refine: oneOf(["none", "if-cheap", "always"])(
      "<how>",
      "Whether a learned solver is refined by the final picture: where that takes few model calls (if-cheap, the default), always, or never (none)",
    ),
    "teacher-steps": whole(1)(
      "<n>",
      "Steps of the sampler that a learned solver comes close to, whose timesteps include the sampler's: often a multiple of --steps (default: --steps)",
    ),
    batch: whole(1)(
      "<n>",
      "Pictures that the search draws at once (default 4; 2 in a model that reads text)",
    ),
    calibration: whole(1)(
      "<n>",
      "Batches that it works on (default 6; 4 in a model that reads text)",
    ),
    seed: whole(0)("<n>", "Of noise and of the search", { default: "0" }),
    device: oneOf(devices)("<d>", devices.join(", "), { default: "cpu" }),
    o: path("<file>", "Where the plan is written"),
  },
  notes:
    `generate, inspect and export take the plan by --gates. One search serves several sparsities, whose plans are plan-0.5.json, or plan-80ms.json, and so on of -o plan.json. Budgets of time are made of what the sampler's calls, the conditional half alone and each block take, in turns; the plans are timed in turns with the full sampler when all are found. While it runs, its parts are kept in plan.json.search: the same command goes on with a search that was killed.`,
} satisfies CommandForm;

/** Runs the command on its arguments; errors are part of the result. */
export const pruneCommand = command(form, async (
  { o, prompts: file, sparsity, budgetMs, busyOk, ...values },
) => {
  const { model, weights, config, device, sampler: kind, ...others } = values;
  const { method, refine, teacherSteps: steps, ...searched } = others;
  const { batch, calibration, seed, classes, ...own } = searched;
  const output = required(o, form, "-o <file>");
  const targets = askedTargets({ sparsity, budgetMs, busyOk });
  const files = await planFiles(output, targets);
  const parts = `${output}.search`;
  if (await isFile(parts)) {
    throw new TypeError(
      `Cannot prune: ${parts} is a file, expected a folder for the search's parts, or nothing`,
    );
  }
  const prompts = file && await readPrompts(await promptFile(file));
  const pipeline = await loadPipeline(model, { device, weights, config });
  if (!pipeline.drawsClasses) {
    required(prompts || classes, form, "--prompts <file>");
  }
  const asked = { kind, ...own };
  const sampler = pipeline.sampler(asked);
  const name = method ?? usualMethod(sampler);
  if ((refine || steps) && !name.endsWith("learned-solver")) {
    throw new RangeError(
      `Cannot prune by ${name}: --refine and --teacher-steps are of learned solvers`,
    );
  }
  const hashes = await pipelineHashes(pipeline, weights);
  const keptIn = `${parts}/${
    hashes.map((hash) => hash.slice(0, 16)).join("-")
  }`;
  const subject = prompts ? prompts[0] : classes?.[0] ?? 0;
  const times = budgetMs && new SamplerTimes(sampler, { subject, busyOk });
  const costs = await (times && keptPart(
    keptIn,
    ["pieces", asked, device, busyOk, cpus()[0].model],
    () => times.pieces(),
  ));
  using line = new ProgressLine();
  const pruned = (shares: readonly number[]) =>
    prune(sampler, {
      method: name,
      batch,
      calibration,
      seed,
      classes,
      solver: { refine, ...steps && { teacher: { steps } } },
      prompts: prompts || undefined,
      sparsity: shares,
      costs,
      keptIn,
      onProgress(done, total, share, values) {
        const target = `${targets[shares.indexOf(share)]}`;
        line.show(
          budgetMs ? target : `sparsity ${target}`,
          [done, total],
          values,
        );
      },
    });
  const plans = times && costs
    ? await plansWithin(
      targets.map((each) => msOf(each)!),
      { sampler, costs, times, pruned },
    )
    : await pruned(targets.map(Number));
  const timed = await times?.plans(plans);
  for (const [i, plan] of plans.entries()) {
    await writeAtomically(files[i], `${JSON.stringify(plan)}\n`);
  }
  const lines = planLines(sampler, plans, { files, targets, times: timed });
  await Deno.remove(parts, { recursive: true }).catch(() => {}); // a method without a search keeps no parts
  return lines;
});

/** The targets that are asked for, from the largest budget to the least. */
function askedTargets({ sparsity, budgetMs, busyOk }: {
  readonly sparsity?: readonly number[];
  readonly budgetMs?: readonly number[];
  readonly busyOk: boolean;
}): Target[] {
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot prune: ${why}`);
  };
  required(sparsity ?? budgetMs, form, "--sparsity <s> or --budget-ms <ms>");
  if (sparsity && (budgetMs || busyOk)) {
    const other = budgetMs ? "--budget-ms" : "--busy-ok, which is of times";
    refuse(`found --sparsity and ${other}, expected one of them`);
  }
  const targets = targetsOf({ sparsity, budgetMs }).toSorted(byBudget);
  const again = targets.find((target, i) => target === targets[i + 1]);
  if (again) refuse(`found ${again} twice, expected different budgets`);
  return targets;
}

/** A line for each plan: its file, the share of the MACs that it keeps, and its time if it was timed. */
function planLines(
  sampler: PipelineSampler,
  plans: readonly Plan[],
  { files, targets, times }: {
    readonly files: readonly string[];
    readonly targets: readonly Target[];
    readonly times?: readonly number[];
  },
): string[] {
  const net = superNetOf(sampler);
  const full = times?.at(-1)?.toFixed(1);
  return plans.map((plan, i) => {
    const share = planMacs(net, plan) / denseMacs(net);
    const time = times
      ? `, takes ${times[i].toFixed(1)} of ${
        targets[i]
      }, the full sampler ${full}`
      : "";
    return `${files[i]}: keeps ${share.toFixed(4)} of the MACs${time}`;
  });
}

/** The plan file of each target. Checks, before the search, that all of them can be written. */
async function planFiles(
  output: string,
  targets: readonly Target[],
): Promise<string[]> {
  if (!/\.json$/i.test(output)) {
    throw new RangeError(`Cannot write ${output}: expected a .json file`);
  }
  const files = targets.length === 1
    ? [output]
    : targets.map((target) =>
      output.replace(/\.json$/i, (ending) => `-${target}${ending}`)
    );
  await checkFolder(dirname(output), output);
  for (const file of files) await checkNoFolder(file);
  return files;
}

if (import.meta.main) finish(await pruneCommand(Deno.args));
