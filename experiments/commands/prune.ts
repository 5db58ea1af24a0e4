/** `deno task prune`: which blocks of which steps a model can do without, as plans that other commands take. */
import { dirname } from "node:path";
import { loadPipeline, readPrompts } from "@dip-go/core";
import { writeAtomically } from "@dip-go/core/files";
import { promptFile } from "@dip-go/core/hub";
import { devices } from "@dip-go/core/runtime";
import { methodNames, prune } from "@dip-go/pruner";
import { denseMacs, superNetOf } from "@dip-go/supernet/gates";
import { planMacs } from "@dip-go/supernet/solver";
import { pipelineHashes } from "../run/inputs/input_hashes.ts";
import { command, finish } from "./options/command.ts";
import { modelRows, samplerRows, unitRows } from "./options/model_rows.ts";
import {
  type CommandForm,
  fraction,
  list,
  oneOf,
  path,
  whole,
} from "./options/option_table.ts";
import { checkFolder, checkNoFolder } from "./options/output_folder.ts";
import { ProgressLine } from "./options/progress_line.ts";

const form = {
  refusal: "Cannot prune",
  about: "Finds which blocks of which steps a model can do without.",
  usage: [
    "deno task prune --model <folder or name> --prompts <file> --sparsity <s,...> [options] -o plan.json",
  ],
  options: {
    ...modelRows,
    prompts: path(
      "<file>",
      "What the search draws with a model that reads text, none of it an evaluation's: a prompt a line, or owner/name:path of a data set on the hub",
    ),
    classes: list(whole(0)("", ""))(
      "<id,...>",
      "What it draws with a model of classes (default: at random)",
    ),
    sparsity: list(fraction("", ""))(
      "<s,...>",
      "Fractions of the full sampler's MACs to leave out",
    ),
    ...samplerRows,
    ...unitRows,
    method: oneOf(methodNames)(
      "<name>",
      `${
        methodNames.join(", ")
      } (default learned-solver; energy+forecast with a sampler that adds noise)`,
    ),
    refine: oneOf(["end-to-end", "none"])(
      "<how>",
      "Whether a learned solver ends with its closed form (none) or is refined by gradient, for which a large model has no memory",
      { default: "end-to-end" },
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
    `generate, inspect and export take the plan by --gates. One search serves several sparsities, whose plans are plan-0.5.json and so on of -o plan.json. While it runs, its parts are kept in plan.json.search: the same command goes on with a search that was killed.`,
} satisfies CommandForm;

/** Runs the command on its arguments; errors are part of the result. */
export const pruneCommand = command(form, async ({
  model,
  weights,
  config,
  device,
  o: output,
  prompts: file,
  sparsity,
  "guidance-scale": guidanceScale,
  "max-sequence-length": maxSequenceLength,
  sampler: kind,
  steps,
  granularity,
  height,
  width,
  refine,
  ...search
}) => {
  if (!output || !sparsity) {
    const missing = output ? "--sparsity <s>" : "-o <file>";
    throw new RangeError(`Cannot prune: ${missing} is missing; see --help`);
  }
  const files = await planFiles(output, sparsity);
  const prompts = file && await readPrompts(await promptFile(file));
  const pipeline = await loadPipeline(model, { device, weights, config });
  const sampler = pipeline.sampler({
    steps,
    guidanceScale,
    maxSequenceLength,
    kind,
    granularity,
    height,
    width,
  });
  const parts = `${output}.search`;
  const hashes = await pipelineHashes(pipeline, weights);
  using line = new ProgressLine();
  const plans = await prune(sampler, {
    ...search,
    solver: { refine },
    prompts: prompts || undefined,
    sparsity,
    keptIn: `${parts}/${hashes.map((hash) => hash.slice(0, 16)).join("-")}`,
    onProgress: (done, total, target, values) =>
      line.show(`sparsity ${target}`, [done, total], values),
  });
  const net = superNetOf(sampler);
  const lines: string[] = [];
  for (const [i, plan] of plans.entries()) {
    await writeAtomically(files[i], `${JSON.stringify(plan)}\n`);
    const share = planMacs(net, plan) / denseMacs(net);
    lines.push(`${files[i]}: keeps ${share.toFixed(4)} of the MACs`);
  }
  await Deno.remove(parts, { recursive: true }).catch(() => {}); // a rule keeps none
  return lines;
});

/** The files of the plans of each sparsity, in ascending order; checked before the search. */
async function planFiles(
  output: string,
  sparsity: readonly number[],
): Promise<string[]> {
  if (!/\.json$/i.test(output)) {
    throw new RangeError(`Cannot write ${output}: expected a .json file`);
  }
  const targets = sparsity.toSorted((a, b) => a - b);
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
