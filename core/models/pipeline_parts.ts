/** Reads a pipeline's `model_index.json`: its class and its parts. */
import { ConfigJson } from "../files/config_json.ts";
import { isFile } from "../files/is_file.ts";
import { readJson } from "../files/read_json.ts";

/** The network's folder for each pipeline class of diffusers; its text tokens if not the family's usual number. */
const pipelines = {
  DiTPipeline: { network: "transformer" },
  FluxImg2ImgPipeline: { network: "transformer" },
  FluxInpaintPipeline: { network: "transformer" },
  FluxPipeline: { network: "transformer" },
  LatentConsistencyModelImg2ImgPipeline: { network: "unet" },
  LatentConsistencyModelPipeline: { network: "unet" },
  PixArtAlphaPipeline: { network: "transformer" },
  PixArtSigmaPipeline: { network: "transformer", tokens: 300 },
  StableDiffusion3Img2ImgPipeline: { network: "transformer" },
  StableDiffusion3InpaintPipeline: { network: "transformer" },
  StableDiffusion3Pipeline: { network: "transformer" },
  StableDiffusionImg2ImgPipeline: { network: "unet" },
  StableDiffusionInpaintPipeline: { network: "unet" },
  StableDiffusionPipeline: { network: "unet" },
  StableDiffusionXLImg2ImgPipeline: { network: "unet" },
  StableDiffusionXLInpaintPipeline: { network: "unet" },
  StableDiffusionXLPipeline: { network: "unet" },
};

export type PipelineClass = keyof typeof pipelines;

export const pipelineClasses = Object.keys(
  pipelines,
) as readonly PipelineClass[];

/** Parts that an index may list, each as library and class; parts that no class above reads change no picture. */
const partKeys = [
  ...["feature_extractor", "image_encoder", "safety_checker", "scheduler"],
  ...["text_encoder", "text_encoder_2", "text_encoder_3"],
  ...["tokenizer", "tokenizer_2", "tokenizer_3"],
  ...["transformer", "unet", "vae"],
];

/** The contents of a `model_index.json`. */
export interface PipelineParts {
  readonly className: PipelineClass;
  /** Path of the network's folder. */
  readonly network: string;
  /** The number of text tokens of a prompt, if it is not the family's usual number. */
  readonly tokens?: number;
  /** Whether the network reads an aesthetic score, as SDXL's refiner does. */
  readonly readsScore: boolean;
  /** Whether zeros replace SDXL's negative text if none is given; true if the index does not say, as in diffusers. */
  readonly zerosForEmpty: boolean;
  /** Class of the scheduler, which overrides the class that the scheduler's config names. */
  readonly scheduler?: string;
  /** Whether the index says that a part, such as `text_encoder_3`, is missing; an unlisted part may exist. */
  lacks(part: string): boolean;
}

/**
 * Reads the index of a pipeline's folder; undefined if the folder has none.
 *
 * Other keys are ignored, as diffusers does.
 *
 * @throws {TypeError} If the index has an unknown class, or a part that is not a library and a class.
 */
export async function readPipelineParts(
  folder: string,
): Promise<PipelineParts | undefined> {
  const file = `${folder}/model_index.json`;
  if (!await isFile(file)) return undefined;
  const config = new ConfigJson(await readJson(file), file, {
    _class_name: pipelineClasses,
    requires_aesthetics_score: [undefined, true, false],
    force_zeros_for_empty_prompt: [undefined, true, false],
  });
  for (const key of partKeys) checkPart(config, key);
  const className = config.value("_class_name") as PipelineClass;
  const { network, tokens }: { network: string; tokens?: number } =
    pipelines[className];
  return {
    className,
    network: `${folder}/${network}`,
    tokens,
    scheduler: classOf(config.values.scheduler),
    readsScore: config.value("requires_aesthetics_score") === true,
    zerosForEmpty: config.value("force_zeros_for_empty_prompt") !== false,
    lacks: (part) => isNothing(config.values[part]),
  };
}

/** Checks a part. @throws {TypeError} If it is listed as anything but null or a pair of names or nulls. */
function checkPart(config: ConfigJson, key: string): void {
  if (!config.has(key)) return;
  const entry = config.value(key);
  const isName = (value: unknown) =>
    value === null || typeof value === "string";
  if (Array.isArray(entry) && entry.length === 2 && entry.every(isName)) return;
  config.refuse(key, "a library and a class, or null");
}

/** The class of a part, which its entry lists after the library. */
const classOf = (entry: unknown): string | undefined =>
  Array.isArray(entry) && typeof entry[1] === "string" ? entry[1] : undefined;

/** Whether an entry is `null`, or `[null, null]` instead of a library and a class. */
const isNothing = (value: unknown): boolean =>
  value === null || Array.isArray(value) && value.every(isNothing);
