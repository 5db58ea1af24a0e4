/** `deno task evaluate`: compares a folder of pictures with another, published statistics or prompts. */
import { readPrompts } from "@dip-go/core";
import { isFile } from "@dip-go/core/files";
import { modelFolder, promptFile } from "@dip-go/core/hub";
import { devices } from "@dip-go/core/runtime";
import { evaluatePictures, openLpips } from "@dip-go/eval";
import {
  fidConventions,
  lpipsNets,
  openContrastivePair,
  pictureMetrics,
  type SetValue,
} from "@dip-go/eval/metrics";
import { alignedLines, metricHeading, metricInfo } from "@dip-go/eval/tables";
import { openPictureFeatures } from "@dip-go/zoo/classifiers";
import { command, finish } from "./options/command.ts";
import {
  type CommandForm,
  flag,
  list,
  oneOf,
  path,
} from "./options/option_table.ts";

const form = {
  refusal: "Cannot evaluate",
  about: "Measures a folder of pictures.",
  usage: [
    "deno task evaluate <pictures or statistics> --reference <pictures or statistics> [options]",
    "deno task evaluate <pictures> --clip <folder or name> --prompts <file> [options]",
  ],
  words: {
    "<pictures>":
      "A folder of PNG, JPEG, WebP, BMP, PPM or PGM files, or an .npz of pictures",
  },
  options: {
    reference: path(
      "<path>",
      "Another folder, an .npz of pictures, or for fid and sfid one of statistics",
    ),
    metrics: list(oneOf(pictureMetrics))(
      "<m,...>",
      `${
        pictureMetrics.join(", ")
      }: the first three compare pictures of one name, clip-score pictures with prompts, the others sets (default psnr and ssim where the reference has every name, fid where there are features or both sides are statistics, clip-score where there are prompts)`,
    ),
    features: path(
      "<path>",
      "What sets are compared by: Inception's weights, pt_inception-2015-12-05-6726825d.pth, or the folder of an embedded classifier, zoo/models/shapes-classifier or scenes-classifier",
    ),
    resize: oneOf(fidConventions)(
      "<c>",
      `How pictures come to Inception's size: ${fidConventions.join(", ")}`,
      { default: "pytorch-fid" },
    ),
    "lpips-net": oneOf(lpipsNets)("<net>", lpipsNets.join(", "), {
      default: "alex",
    }),
    "lpips-backbone": path(
      "<file>",
      "alexnet-owt-7be5be79.pth or vgg16-397923af.pth",
    ),
    "lpips-weights": path("<file>", "alex.pth or vgg.pth"),
    clip: path("<folder or name>", "CLIP that clip-score looks with"),
    prompts: path(
      "<file>",
      "Prompts of the pictures, in the order of their names: one a line, or a data set's file",
    ),
    device: oneOf(devices)("<d>", devices.join(", "), { default: "cpu" }),
    json: flag("Print JSON"),
  },
  notes:
    "Each value is of so many pictures and has a 95 % interval: bootstrapped of a mean over pictures, jackknifed of a set of 20 or more. FID is pytorch-fid's with Inception's weights; with an embedded classifier it is a distance of the same kind, which compares with no published figure.",
} satisfies CommandForm;

/** Runs the command on its arguments; errors are part of the result. */
export const evaluateCommand = command(form, async (
  { reference, metrics, features, resize, device, json, ...values },
  [folder, ...others],
) => {
  const { clip, prompts } = values;
  if (folder === undefined || others.length > 0 || !(reference ?? clip)) {
    throw new RangeError(
      "Cannot evaluate: expected one folder of pictures, and --reference <path> or --clip <folder or name>; see --help",
    );
  }
  if (isHalf([clip, prompts], metrics?.includes("clip-score"))) {
    throw new RangeError(
      "Cannot evaluate: clip-score compares pictures with prompts, expected both --clip and --prompts",
    );
  }
  await using opened = new AsyncDisposableStack();
  const { lpipsBackbone: backbone, lpipsWeights: linear } = values;
  if (isHalf([backbone, linear], metrics?.includes("lpips"))) {
    throw new RangeError(
      "Cannot evaluate: LPIPS has two files, expected both --lpips-backbone and --lpips-weights",
    );
  }
  const measured = await evaluatePictures(folder, {
    reference,
    metrics,
    device,
    features: features === undefined
      ? undefined
      : await isFile(features)
      ? { weights: features, resize }
      : opened.use(await openPictureFeatures(features, { device })),
    lpips: backbone && linear
      ? opened.use(openLpips(values.lpipsNet, { backbone, linear, device }))
      : undefined,
    clip: clip && prompts
      ? {
        pair: opened.use(
          await openContrastivePair(await modelFolder(clip), { device }),
        ),
        prompts: await readPrompts(await promptFile(prompts)),
      }
      : undefined,
  });
  return json ? [JSON.stringify(measured, null, 2)] : tableLines(measured);
});

/** Whether an option of a group is missing, though another one is given or the whole group is wanted. */
const isHalf = (
  options: readonly (string | undefined)[],
  isWanted = false,
): boolean =>
  options.includes(undefined) && (isWanted || options.some(Boolean));

function tableLines(measured: Readonly<Record<string, SetValue>>): string[] {
  const rows = Object.entries(measured).map(([metric, { mean, ...value }]) => {
    const info = metricInfo(metric);
    const rounded = (number: number) => Number(number.toFixed(info.digits)); // no "-0.00"
    const shown = (number?: number) =>
      number === undefined ? "" : rounded(number).toFixed(info.digits);
    return [
      metricHeading(info),
      shown(mean),
      value.low === undefined
        ? ""
        : `[${shown(value.low)}, ${shown(value.high)}]`,
      value.n === 0 ? "" : String(value.n),
    ];
  });
  return alignedLines([
    ["metric", "value", "95 % interval", "pictures"],
    ...rows,
  ], {
    left: 1,
  });
}

if (import.meta.main) finish(await evaluateCommand(Deno.args));
