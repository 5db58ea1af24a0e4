/** Reads a recorded call of a pipeline as the options of this project's pipelines. */
import type { SamplerOptions, Subject } from "@dip-go/core";
import { type DrawOptions, loadPipeline } from "@dip-go/core/pipeline";
import { decodePng } from "@dip-go/core/pictures";
import { parseSchedulerConfig } from "@dip-go/core/samplers";

/** One entry of `cases.json`; which optional fields it has depends on its kind. */
export interface PipelineCase {
  /** The folder of `cases.json`; the other files are named by their paths in it. */
  readonly folder: string;
  readonly name: string;
  readonly kind: string;
  readonly call: Readonly<Record<string, unknown>>;
  /** The file of the final latents, the initial latents, the first prediction and the timesteps. */
  readonly latents: string;
  /** The file of the first picture. */
  readonly picture: string;
  /** The file of the network's first call. */
  readonly firstCall?: string;
  /** The file of one call of the network, for the kind `unet`. */
  readonly tensors?: string;
  /** A single-file checkpoint, and the folder of its configurations. */
  readonly checkpoint?: string;
  readonly config?: string;
  readonly limit: Readonly<
    Partial<Record<"latents" | "picture" | "output", number>>
  >;
}

/** The fields of a call that are sampler options of the same name. */
const samplerFields: readonly (keyof SamplerOptions)[] = [
  ...["steps", "timesteps", "sigmas", "eta", "originalInferenceSteps"] as const,
  ...["guidanceScale", "guidanceRescale", "trueCfgScale", "clipSkip"] as const,
  ...["maxSequenceLength", "height", "width", "useResolutionBinning"] as const,
  ...["aestheticScore", "negativeAestheticScore"] as const,
];

/** The fields of a call that are drawing options of the same name. */
const drawFields: readonly (keyof DrawOptions)[] = ["seed", "negativePrompt"];

/** The fields that {@linkcode readCall} reads itself. */
const readHere = [
  ...["batch", "prompt", "class", "scheduler", "cleanCaption"],
  ...["image", "mask", "strength"],
];

/** A recorded call as options. */
export interface PipelineCall {
  readonly sampler: SamplerOptions;
  readonly draw: DrawOptions;
  /** A prompt or a class for each picture. */
  readonly subjects: readonly Subject[];
}

/**
 * Reads the call of a case.
 *
 * @throws {RangeError} If the call has a field for which this project has no option.
 * @throws {TypeError} If the call has neither prompts nor classes.
 */
export function readCall({ call, folder }: PipelineCase): PipelineCall {
  const file = `${folder}/cases.json`;
  const known = [...samplerFields, ...drawFields, ...readHere];
  const unknown = Object.keys(call).filter((field) => !known.includes(field));
  if (unknown.length > 0) {
    throw new RangeError(
      `Cannot run the case: no option stands for ${
        unknown.join(", ")
      } of the call (${file})`,
    );
  }
  if (call.cleanCaption) {
    throw new RangeError(
      `Cannot run the case: cleanCaption of the call is true, expected false: captions are not cleaned (${file})`,
    );
  }
  const scheduler = call.scheduler ? schedulerOf(call.scheduler, file) : {};
  // Without a negative prompt, the other implementation applies no true guidance.
  const trueCfg = "negativePrompt" in call ? {} : { trueCfgScale: undefined };
  return {
    sampler: {
      ...picked(call, samplerFields),
      ...trueCfg,
      ...scheduler,
      start: startOf(call, folder),
    },
    draw: picked(call, drawFields),
    subjects: subjectsOf(call, file),
  };
}

const picked = (
  call: PipelineCase["call"],
  fields: readonly string[],
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(call).filter(([field]) => fields.includes(field)),
  );

function schedulerOf(recorded: unknown, file: string): SamplerOptions {
  const { class: _class_name, config } = recorded as {
    readonly class: string;
    readonly config: object;
  };
  return { scheduler: parseSchedulerConfig({ _class_name, ...config }, file) };
}

/** Reads the picture that a call starts from and its mask. */
function startOf(
  { image, mask, strength }: PipelineCase["call"],
  folder: string,
): SamplerOptions["start"] {
  if (image === undefined) return undefined;
  const pictureOf = (name: unknown) => {
    const path = `${folder}/${name}`;
    return decodePng(Deno.readFileSync(path), path);
  };
  return {
    image: pictureOf(image),
    mask: mask === undefined ? undefined : pictureOf(mask),
    strength: strength as number | undefined,
  };
}

/** The subjects of a call: `batch` times each prompt, or each class once. */
function subjectsOf(
  { prompt, class: classes, batch = 1 }: PipelineCase["call"],
  file: string,
): readonly Subject[] {
  if (Array.isArray(classes)) return classes;
  if (typeof prompt !== "string" && !Array.isArray(prompt)) {
    throw new TypeError(
      `Cannot run the case: its call has neither prompt nor class (${file})`,
    );
  }
  return [prompt].flat().flatMap((each) => Array(Number(batch)).fill(each));
}

/** Loads the pipeline of a case: its folder, or a checkpoint. */
export function pipelineOf({ folder, checkpoint, config }: PipelineCase) {
  if (checkpoint === undefined) return loadPipeline(folder);
  return loadPipeline(`${folder}/${checkpoint}`, {
    config: config && `${folder}/${config}`,
  });
}
