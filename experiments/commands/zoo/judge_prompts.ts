/** `deno task zoo:judge-prompts`: counts the prompted objects that a classifier of rendered pictures finds. */
import { loadPipeline } from "@dip-go/core";
import { readPrompts } from "@dip-go/core/pipeline";
import { stacked } from "@dip-go/core/tensor";
import { alignedLines, formatPercent } from "@dip-go/eval/tables";
import {
  kindsShown,
  loadScenesClassifier,
  promptAccuracyOf,
} from "@dip-go/zoo/classifiers";
import { kindsNamed } from "@dip-go/zoo/data";
import { command, finish } from "../options/command.ts";
import { sequenceRows } from "../options/model_rows.ts";
import { type OptionValues, path, whole } from "../options/option_table.ts";
import {
  classifierFolder,
  jsonLines,
  judgeRows,
  type JudgeSettings,
} from "./judge_rows.ts";

const batch = 8;

/** Runs the command on its arguments; errors are part of the result. */
export const judgePromptsCommand = command({
  refusal: "Cannot judge",
  about: "Samples prompts and looks for the objects that they name.",
  usage: ["deno task zoo:judge-prompts [options]"],
  options: {
    model: path("<folder>", "Pipeline trained on the scenes", {
      default: "zoo/models/sd-shapes",
    }),
    prompts: path("<file>", "A prompt a line", {
      default: "zoo/prompts/scenes-evaluation.txt",
    }),
    count: whole(1)("<n>", "The first n of them", { default: "200" }),
    ...judgeRows({ guidanceScale: 3, steps: 50 }),
    ...sequenceRows,
  },
}, async ({ json, prompts: file, count, ...asked }) => {
  const prompts = await readPrompts(file);
  const rows = await judgePrompts(prompts.slice(0, count), asked);
  return json ? jsonLines(asked, { rows }) : tableLines(rows);
});

/** The accuracy over prompts of one object, over prompts of two, and over all. */
async function judgePrompts(
  prompts: readonly string[],
  { model, seed, ...sampled }:
    & JudgeSettings
    & OptionValues<typeof sequenceRows>,
) {
  await using classifier = await loadScenesClassifier(
    classifierFolder("scenes-classifier"),
  );
  const pipeline = await loadPipeline(model);
  const sampler = pipeline.sampler(sampled);
  const pictures = await sampler.sample(prompts, { batch, seed });
  const shown = await kindsShown(classifier, stacked(pictures));
  const asked = prompts.map(kindsNamed);
  const rowOf = (name: string, counts: (n: number) => boolean) => {
    const own = [...asked.keys()].filter((i) => counts(asked[i].length));
    if (own.length === 0) return [];
    const pick = (kinds: readonly (readonly number[])[]) =>
      own.map((i) => kinds[i]);
    const accuracy = promptAccuracyOf(pick(shown), pick(asked));
    return [{ name, prompts: own.length, ...accuracy }];
  };
  return [
    ...rowOf("one object", (n) => n === 1),
    ...rowOf("two objects", (n) => n === 2),
    ...rowOf("all", () => true),
  ];
}

function tableLines(
  rows: Awaited<ReturnType<typeof judgePrompts>>,
): string[] {
  return alignedLines([
    ["prompts of", "prompts", "objects found", "all found", "and no other"],
    ...rows.map(({ name, prompts, objects, pictures, exact }) => [
      name,
      String(prompts),
      ...[objects, pictures, exact].map(formatPercent),
    ]),
  ], { left: 1 });
}

if (import.meta.main) finish(await judgePromptsCommand(Deno.args));
