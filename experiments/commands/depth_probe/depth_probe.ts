/** `deno task experiment depth-probe`: finds whether blocks, steps or guidance halves are worth pruning. */
import { createHash } from "node:crypto";
import { loadPipeline, readPrompts } from "@dip-go/core";
import { writeAtomically } from "@dip-go/core/files";
import { promptFile } from "@dip-go/core/hub";
import { allGranularities } from "@dip-go/core/models";
import type { Pipeline } from "@dip-go/core/pipeline";
import { devices } from "@dip-go/core/runtime";
import { probeDepths } from "@dip-go/pruner/probe";
import { provenanceOf } from "../../results/provenance.ts";
import { pipelineHashes } from "../../run/inputs/input_hashes.ts";
import { command } from "../options/command.ts";
import { resultsRow } from "../options/console_table.ts";
import { modelRows, samplerRows } from "../options/model_rows.ts";
import {
  type CommandForm,
  oneOf,
  path,
  whole,
} from "../options/option_table.ts";
import { checkFolder } from "../options/output_folder.ts";
import { ProgressLine } from "../options/progress_line.ts";
import { probeChart, probeTables } from "./probe_tables.ts";

const form = {
  refusal: "Cannot probe",
  about:
    "Measures how much of a step's prediction each depth of a network teaches, against a forecast that computes nothing, and says what is worth pruning: blocks, steps or halves of guidance.",
  usage: [
    "deno task experiment depth-probe --model <folder or name> [--prompts <file>] [options]",
  ],
  options: {
    ...modelRows,
    prompts: path(
      "<file>",
      "What a model that reads text draws: a prompt a line, or owner/name:path of a data set on the hub",
    ),
    ...samplerRows,
    granularity: oneOf(allGranularities)(
      "<g>",
      `What counts as a block: ${allGranularities.join(", ")}`,
      { default: "block" },
    ),
    pictures: whole(1)("<n>", "How many are drawn", { default: "64" }),
    batch: whole(1)("<n>", "Pictures at once", { default: "4" }),
    seed: whole(0)("<n>", "Of noise, and of classes", { default: "0" }),
    device: oneOf(devices)("<d>", devices.join(", "), { default: "cpu" }),
    results: resultsRow,
  },
  notes:
    "Nothing is searched: the full sampler runs once, and at each of its calls every depth is made besides, on what the network held 1 to 4 steps before. Blocks that add to a stream are left out from the last on, and what they added is held or extrapolated; of a UNet the last blocks are computed on the held output of those before (DeepCache). Taught is the share of the forecast's squared error that the call removes, with the best weights. The verdict of a budget compares plans of whole calls with those of whole and partial calls at equal MACs, by the mean error of a prediction; a part wins where its error is 0.5 dB or more below. It writes <results>/depth-probe/<run-id>/ with probe.json, table.md and taught.svg.",
} satisfies CommandForm;

/** Runs the command on its arguments; errors are part of the result. */
export const depthProbeCommand = command(form, async (
  { model, weights, config, device, ...values },
  _words,
  args,
) => {
  const { prompts: file, results: root, sampler: kind, ...others } = values;
  const { pictures, batch, seed, ...own } = others;
  const [sampled, drawn] = [{ kind, ...own }, { pictures, batch, seed }];
  const pipeline = await loadPipeline(model, { device, weights, config });
  const subjects = await subjectsOf(pipeline, file);
  const sampler = pipeline.sampler({
    ...sampled,
    backup: pipeline.model.family === "unet" ? undefined : "residual",
  });
  const settings = { ...sampled, ...drawn };
  const hashes = await pipelineHashes(pipeline, weights);
  const id = createHash("sha256")
    .update(JSON.stringify([settings, subjects, hashes, device]))
    .digest("hex").slice(0, 12);
  const folder = `${root}/depth-probe/${id}`;
  await checkFolder(folder, folder);
  const typed = ["deno task experiment depth-probe", ...args].join(" ");
  const provenance = await provenanceOf(typed);
  using line = new ProgressLine();
  const probe = await probeDepths(sampler, {
    ...drawn,
    subjects,
    onProgress: (done, total) => line.show("calls", [done, total]),
  });
  const { lines, markdown, verdict } = probeTables(probe);
  const title = `${model}: what a partial call teaches`;
  const files = {
    "probe.json": `${
      JSON.stringify({ model, settings, ...provenance, verdict, ...probe })
    }\n`,
    "table.md": markdown,
    "taught.svg": probeChart(probe, { title }),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeAtomically(`${folder}/${name}`, content);
  }
  return [
    ...lines,
    "",
    ...Object.keys(files).map((name) => `${folder}/${name}`),
  ];
});

/** The prompts for a model that reads text; undefined for a model that draws classes. */
async function subjectsOf(
  { drawsClasses, name }: Pipeline,
  file: string | undefined,
): Promise<readonly string[] | undefined> {
  if (drawsClasses === (file === undefined)) {
    return file && await readPrompts(await promptFile(file)) || undefined;
  }
  throw new RangeError(
    drawsClasses
      ? `Cannot probe ${name}: found --prompts, and it draws classes`
      : `Cannot probe ${name}: it draws what a text says, expected --prompts <file>`,
  );
}
