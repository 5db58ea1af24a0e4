/** `deno task zoo:judge`: how often the full model draws the shape and the colour that it is asked for, by the classifier. */
import { loadPipeline, type Pipeline } from "@dip-go/core";
import { ofFamily } from "@dip-go/core/models";
import { stacked } from "@dip-go/core/tensor";
import { alignedLines, formatPercent } from "@dip-go/eval/tables";
import {
  type Accuracy,
  accuracyOf,
  classifyShapes,
  loadShapesClassifier,
  partsOfClass,
} from "@dip-go/zoo/classifiers";
import { classNames, shapes } from "@dip-go/zoo/data";
import { command, finish } from "../options/command.ts";

const help = `Samples every class and classifies the pictures.

Usage: deno task zoo:judge [options]

Options:
  --model <folder>           Pixel-space DiT trained on the shapes (default zoo/models/dit-shapes)
  --samples-per-class <n>    Pictures of each of the ${classNames.length} classes (default 4)
  --guidance-scale <s>       Classifier-free guidance (default 2)
  --steps <n>                Steps of the model's own sampler (default 20)
  --seed <n>                 Seed of the initial noise, as torch.manual_seed (default 1)
  --json                     Print JSON
`;

const classifierFolder = decodeURIComponent(
  new URL("../../../zoo/models/shapes-classifier", import.meta.url).pathname,
);

/** What is sampled. */
interface JudgeOptions {
  readonly model: string;
  readonly samplesPerClass: number;
  readonly guidanceScale: number;
  readonly steps: number;
  readonly seed: number;
}

/** Runs the command on its arguments; errors are part of the result. */
export const judgeCommand = command({
  refusal: "Cannot judge",
  help,
  flags: ["json"],
  values: {
    model: "zoo/models/dit-shapes",
    "samples-per-class": "4",
    "guidance-scale": "2",
    steps: "20",
    seed: "1",
  },
}, async (options) => {
  const asked: JudgeOptions = {
    model: options.path("model")!,
    samplesPerClass: options.whole("samples-per-class", 1),
    guidanceScale: options.number("guidance-scale"),
    steps: options.whole("steps", 1),
    seed: options.whole("seed", 0),
  };
  const judged = await judgeSamples(asked);
  return options.has("json")
    ? [JSON.stringify({ ...asked, ...judged }, null, 2)]
    : tableLines(judged);
});

/** Accuracy over all samples and over each shape's. */
interface Judged {
  readonly samples: number;
  readonly accuracy: Accuracy;
  readonly shapes: readonly ShapeRow[];
}

interface ShapeRow extends Accuracy {
  readonly name: string;
  readonly samples: number;
}

async function judgeSamples(
  { model, samplesPerClass, seed, steps, guidanceScale }: JudgeOptions,
): Promise<Judged> {
  const pipeline = await loadPipeline(model);
  checkClasses(pipeline);
  const asked = Array<number[]>(samplesPerClass).fill([...classNames.keys()])
    .flat();
  const sampler = pipeline.sampler({ steps, guidanceScale });
  const batch = classNames.length;
  const pictures = await sampler.sample(asked, { batch, seed });
  await using classifier = await loadShapesClassifier(classifierFolder);
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

function tableLines({ samples, accuracy, shapes }: Judged): string[] {
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
