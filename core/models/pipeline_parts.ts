/** A pipeline's `model_index.json`: its class, and which parts it has. */
import { ConfigJson } from "../files/config_json.ts";
import { isFile } from "../files/is_file.ts";
import { readJson } from "../files/read_json.ts";

/** Of each class of pipelines in diffusers the folder of its network, and text tokens where its prompts have not as many as the network's family usually reads. */
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

/** A pipeline's class in diffusers. */
export type PipelineClass = keyof typeof pipelines;

/** Every class that is known. */
export const pipelineClasses = Object.keys(
  pipelines,
) as readonly PipelineClass[];

/** Parts that an index may list, each as library and class; those that classes here do not have change no picture. */
const partKeys = [
  ...["feature_extractor", "image_encoder", "safety_checker", "scheduler"],
  ...["text_encoder", "text_encoder_2", "text_encoder_3"],
  ...["tokenizer", "tokenizer_2", "tokenizer_3"],
  ...["transformer", "unet", "vae"],
];

/** The other keys that change no picture: origin, names of classes, marks and checks of finished pictures. */
const harmlessKeys = [
  ...["_diffusers_version", "_name_or_path", "id2label"],
  ...["add_watermarker", "requires_safety_checker", "watermark"],
];

/** What `model_index.json` says. */
export interface PipelineParts {
  readonly className: PipelineClass;
  /** Path of the network's folder. */
  readonly network: string;
  /** Text tokens of a prompt, where they are not as many as usual. */
  readonly tokens?: number;
  /** Whether its network reads an aesthetic score, as SDXL's refiner does. */
  readonly readsScore: boolean;
  /** Whether SDXL's guidance leads away from zeros where no text is given for it; true where the pipeline does not say, as in diffusers. */
  readonly zerosForEmpty: boolean;
  /** Class of its scheduler, which counts where its config names another one. */
  readonly scheduler?: string;
  /** Whether the pipeline was saved without a part, such as `text_encoder_3`; one that is not listed may be there. */
  lacks(part: string): boolean;
}

/**
 * The index of a pipeline's folder, or null in a folder that has none.
 *
 * @throws {TypeError} If it is of a class that is not known, or has a key or a part that is none.
 */
export async function readPipelineParts(
  folder: string,
): Promise<PipelineParts | null> {
  const file = `${folder}/model_index.json`;
  if (!await isFile(file)) return null;
  const config = new ConfigJson(await readJson(file), file, {
    _class_name: pipelineClasses,
    requires_aesthetics_score: [undefined, null, true, false],
    force_zeros_for_empty_prompt: [undefined, true, false],
  });
  for (const key of partKeys) checkPart(config, key);
  config.finish(harmlessKeys);
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

/** @throws {TypeError} If a part is listed as anything but null, or two of names and nulls. */
function checkPart(config: ConfigJson, key: string): void {
  if (!config.has(key)) return;
  const entry = config.value(key);
  const isName = (value: unknown) =>
    value === null || typeof value === "string";
  if (Array.isArray(entry) && entry.length === 2 && entry.every(isName)) return;
  config.refuse(key, "a library and a class, or null");
}

/** The class of a part, which stands behind its library. */
const classOf = (entry: unknown): string | undefined =>
  Array.isArray(entry) && typeof entry[1] === "string" ? entry[1] : undefined;

/** `null`, or `[null, null]` in the place of a library and a class. */
const isNothing = (value: unknown): boolean =>
  value === null || Array.isArray(value) && value.every(isNothing);
