/** `deno task zoo:judge`: counts how often the classifier finds a class's shape and colour in its pictures. */
import { loadPipeline, type Pipeline } from "@dip-go/core";
import { ofFamily } from "@dip-go/core/models";
import { stacked } from "@dip-go/core/tensor";
import { alignedLines, formatPercent } from "@dip-go/eval/tables";
import {
  accuracyOf,
  classifyShapes,
  loadShapesClassifier,
  partsOfClass,
} from "@dip-go/zoo/classifiers";
import { classNames, shapes } from "@dip-go/zoo/data";
import { command, finish } from "../options/command.ts";
import { path, whole } from "../options/option_table.ts";
import {
  classifierFolder,
  jsonLines,
  judgeRows,
  type JudgeSettings,
} from "./judge_rows.ts";

/** Runs the command on its arguments; errors are part of the result. */
export const judgeCommand = command({
  refusal: "Cannot judge",
  about: "Samples every class and classifies the pictures.",
  usage: ["deno task zoo:judge [options]"],
  options: {
    model: path("<folder>", "Pixel-space DiT trained on the shapes", {
      default: "zoo/models/dit-shapes",
    }),
    "samples-per-class": whole(1)(
      "<n>",
      `Pictures of each of the ${classNames.length} classes`,
      { default: "4" },
    ),
    ...judgeRows({ guidanceScale: 2, steps: 20 }),
  },
}, async ({ json, ...asked }) => {
  const judged = await judgeSamples(asked);
  return json ? jsonLines(asked, judged) : tableLines(judged);
});

/** The accuracy over all samples, and over the samples of each shape. */
async function judgeSamples(
  { model, samplesPerClass, seed, ...sampled }: JudgeSettings & {
    readonly samplesPerClass: number;
  },
) {
  const pipeline = await loadPipeline(model);
  checkClasses(pipeline);
  const asked = Array<number[]>(samplesPerClass).fill([...classNames.keys()])
    .flat();
  const sampler = pipeline.sampler(sampled);
  const batch = classNames.length;
  const pictures = await sampler.sample(asked, { batch, seed });
  await using classifier = await loadShapesClassifier(
    classifierFolder("shapes-classifier"),
  );
  const found = await classifyShapes(classifier, stacked(pictures));
  const perShape = shapes.map(({ name }, shape) => {
    const isOfShape = (classId: number) =>
      partsOfClass(classId).shape === shape;
    const classIds = asked.filter(isOfShape);
    const own = found.filter((_, i) => isOfShape(asked[i]));
    const accuracy = accuracyOf(own, classIds);
    return { name, samples: own.length, ...accuracy };
  });
  const accuracy = accuracyOf(found, asked);
  return { samples: found.length, accuracy, shapes: perShape };
}

function checkClasses({ model, folder }: Pipeline): void {
  const { config } = ofFamily(model, "dit", `judge ${folder}`);
  if (config.classes === classNames.length) return;
  throw new RangeError(
    `Cannot judge ${folder}: it has ${config.classes} classes, expected the ${classNames.length} of the shapes`,
  );
}

function tableLines(
  { samples, accuracy, shapes }: Awaited<ReturnType<typeof judgeSamples>>,
): string[] {
  const rows = [...shapes, { name: "all", samples, ...accuracy }];
  const [header, ...body] = alignedLines([
    ["asked for", "samples", "shape", "colour", "both"],
    ...rows.map(({ name, samples, shape, colour, both }) => [
      name,
      String(samples),
      ...[shape, colour, both].map(formatPercent),
    ]),
  ], { left: 1 });
  const rule = "─".repeat(header.length);
  return [header, rule, ...body.slice(0, -1), rule, body.at(-1)!];
}

if (import.meta.main) finish(await judgeCommand(Deno.args));
