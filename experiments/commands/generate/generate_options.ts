/** The options of `deno task generate`, and the request that they make. */
import { devices, precisions } from "@dip-go/core/runtime";
import { type AlignedSteps, alignedSteps } from "@dip-go/core/samplers";
import {
  type CommandForm,
  Expected,
  flag,
  kind,
  list,
  number,
  oneOf,
  type OptionValues,
  path,
  required,
  text,
  whole,
} from "../options/option_table.ts";
import { int8Rows } from "../options/int8_choice.ts";
import { gatesRows, modelRows, samplerRows } from "../options/model_rows.ts";

/** Numbers with commas between them, or the name of a published list. */
const numbersOrName = kind<readonly number[] | AlignedSteps>((typed) => {
  const names = Object.keys(alignedSteps) as AlignedSteps[];
  const name = names.find((each) => each === typed);
  const numbers = typed.split(",").map((each) => Number(each.trim() || NaN));
  return name ??
    (numbers.every(Number.isFinite) ? numbers : new Expected(
      `numbers with commas between them, or ${names.join(", ")}`,
    ));
});

/** Options for the timesteps or sigmas of the steps, and for the noise between steps. */
const stepRows = {
  timesteps: numbersOrName(
    "<t,...>",
    "In place of --steps, descending, of samplers that take them; or Align Your Steps' by name: ays-sd15, ays-sdxl",
  ),
  sigmas: numbersOrName(
    "<s,...>",
    "In place of --steps, descending, the last where the last step ends; or by name, ays-svd too",
  ),
  eta: number("<e>", "Noise of ddim and tcd, 0 to 1 (default 0)"),
} as const;

/** Options for a picture to start from, and for a refiner. */
const startRows = {
  image: path("<file>", "A PNG or JPEG to start from, in place of noise"),
  mask: path(
    "<file>",
    "Bright where the picture is drawn anew; the rest of it stays",
  ),
  strength: number(
    "<s>",
    "Part of the steps that is made from the picture on, above 0 to 1 (default: the pipeline's)",
  ),
  "original-steps": whole(1)(
    "<n>",
    "Steps of the solver that a consistency model was distilled from (default: the scheduler's)",
  ),
  refiner: path(
    "<folder or name>",
    "Pipeline that finishes the pictures, as SDXL's refiner does",
  ),
  "refiner-from": number(
    "<f>",
    "Part of the noise that is gone when the refiner goes on",
    { default: "0.8" },
  ),
  "aesthetic-score": number(
    "<s>",
    "What SDXL's refiner is told of the picture (default 6)",
  ),
  "negative-aesthetic-score": number(
    "<s>",
    "And of what guidance leads away from (default 2.5)",
  ),
} as const;

export const generateForm = {
  refusal: "Cannot generate",
  about: "Generates pictures of a class or of a prompt.",
  usage: [
    "deno task generate [options] -o picture.png",
    "deno task generate --count <n> [options] -o folder",
  ],
  options: {
    ...modelRows,
    class: whole(0)(
      "<id>",
      "Class, of a model that draws classes: 0 unless told",
    ),
    prompt: text("<text>", "What to show, of a model that reads text"),
    "negative-prompt": text("<text>", "What guidance leads away from"),
    count: whole(1)("<n>", "Pictures", { default: "1" }),
    batch: whole(1)("<n>", "Pictures at once", { default: "1" }),
    seed: whole(0)(
      "<n>",
      "Of the first picture's initial noise, as torch.manual_seed; picture i has that of seed + i",
      { default: "0" },
    ),
    ...samplerRows,
    "guidance-scale": list(number)(
      "<s,...>",
      "Classifier-free guidance, which 1 turns off, of all pictures or one for each (default: its pipeline's, as in diffusers; 2 of a DiT)",
    ),
    ...stepRows,
    "guidance-rescale": number(
      "<r>",
      "How far guided predictions are brought back to the conditional ones' spread, 0 to 1 (default 0)",
    ),
    "true-cfg-scale": number(
      "<s>",
      "True guidance beside a distilled one (FLUX), with a negative prompt (default 1: none)",
    ),
    "clip-skip": whole(0)(
      "<n>",
      "Last layers of CLIP to leave out for the prompt (default 0)",
    ),
    "exact-size": flag(
      "A PixArt draws at just this size, not at the nearest of its training",
    ),
    "low-memory": flag(
      "16-bit weights are widened at each run, pictures are decoded in overlapping tiles",
    ),
    ...startRows,
    ...gatesRows,
    device: oneOf(devices)("<d>", devices.join(", "), { default: "cpu" }),
    precision: oneOf(precisions)("<p>", precisions.join(", "), {
      default: "float32",
    }),
    ...int8Rows,
    scale: whole(1)("<n>", "Pixels a side of each pixel", { default: "1" }),
    grid: flag("All pictures in one file, framed"),
    o: path("<path>", "A .png file, or else a folder"),
  },
  notes:
    `One picture is one file, pixel for pixel. Several are picture-0.png, picture-1.png and so on of -o picture.png, or 0.png, 1.png and so on in a folder, with zeros in front where there are ten or more. A folder that holds other pictures is refused. Missing folders are made.

The settings travel in each PNG's text chunks.`,
} satisfies CommandForm;

/** The request of a command line. */
export type GenerateOptions = ReturnType<typeof generateOptions>;

/** Makes the request. @throws {RangeError} If options exclude each other, or there is no output. */
export function generateOptions({
  class: drawn,
  prompt,
  negativePrompt,
  guidanceScale: guidanceScales,
  originalSteps: originalInferenceSteps,
  sampler,
  exactSize,
  lowMemory,
  o,
  ...options
}: OptionValues<typeof generateForm.options>) {
  if (prompt !== undefined && drawn !== undefined) {
    throw new RangeError(
      "Cannot generate: found --class and --prompt, expected one of them",
    );
  }
  const output = required(o, generateForm, "-o <path>");
  if (prompt === undefined && negativePrompt !== undefined) {
    throw new RangeError(
      "Cannot generate: --negative-prompt goes with a prompt, expected --prompt",
    );
  }
  const { image, mask, strength, steps, timesteps, sigmas } = options;
  const { seed, count } = options;
  const most = Number.MAX_SAFE_INTEGER - count + 1;
  if (seed > most) {
    throw new RangeError(
      `Cannot generate: --seed is ${seed}, expected at most ${most} for ${count} pictures`,
    );
  }
  if ([steps, timesteps, sigmas].filter((each) => each).length > 1) {
    throw new RangeError(
      "Cannot generate: --steps, --timesteps and --sigmas exclude each other, expected one of them",
    );
  }
  if (image === undefined && (mask ?? strength) !== undefined) {
    throw new RangeError(
      "Cannot generate: --mask and --strength go with a picture to start from, expected --image",
    );
  }
  const { length } = guidanceScales ?? [1];
  if (![1, count].includes(length)) {
    throw new RangeError(
      `Cannot generate: --guidance-scale has ${length} scales, expected one, or one for each of ${count} pictures`,
    );
  }
  const subject = prompt === undefined
    ? drawn ?? 0
    : { prompt, negativePrompt };
  return {
    ...options,
    guidanceScale: guidanceScales && Math.max(...guidanceScales),
    guidanceScales: guidanceScales && guidanceScales.length > 1
      ? guidanceScales
      : undefined,
    originalInferenceSteps,
    useResolutionBinning: exactSize ? false : undefined,
    tiling: lowMemory || undefined,
    widening: lowMemory ? "each run" as const : undefined,
    subject,
    kind: sampler,
    output,
  };
}
