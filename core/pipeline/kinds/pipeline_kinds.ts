/** The kinds of pipelines: the one place that lists them. */
import type { LoadedModel } from "../../models/load.ts";
import type { PipelineClass } from "../../models/pipeline_parts.ts";
import { evenly } from "../../samplers/schedule/sigmas.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";
import { clipPairTexts } from "../prompts/clip_pair_prompts.ts";
import { clipTexts } from "../prompts/clip_prompts.ts";
import { fluxTexts, usualFluxSequence } from "../prompts/flux_prompts.ts";
import { sd3Texts, usualSd3Sequence } from "../prompts/sd3_prompts.ts";
import { pixartTexts, usualPixartPrompt } from "../prompts/t5_prompts.ts";
import { promptEncoder } from "../prompts/towers.ts";
import { binned } from "../sizes/resolution_bins.ts";
import type { PipelineKind } from "./pipeline_kind.ts";

/** DiT (Peebles and Xie, 2023), which draws classes. */
const dit: PipelineKind = { steps: 20, guidanceScale: 2 };

/** PixArt-α and PixArt-Σ (Chen et al., 2023 and 2024): T5. */
const pixart: PipelineKind = {
  steps: 20,
  guidanceScale: 4.5,
  binned,
  prompts: {
    t5: ({ tokens = usualPixartPrompt }) => tokens,
    open: promptEncoder(pixartTexts),
  },
};

/** Stable Diffusion 1 and 2 (Rombach et al., 2022): one CLIP tower. */
const stableDiffusion: PipelineKind = {
  steps: 50,
  guidanceScale: 7.5,
  start: { image: 0.8, mask: 1 },
  prompts: { clip: true, open: promptEncoder(clipTexts) },
};

/** The same from a folder of diffusers, whose classes set keys of schedulers that early files had wrong. */
const stableDiffusionFolder: PipelineKind = {
  ...stableDiffusion,
  scheduler: { steps_offset: 1, clip_sample: false },
};

/** Latent consistency models (Luo et al., 2023): Stable Diffusion in a few steps, its network distilled to read the scale of guidance. */
const latentConsistency: PipelineKind = {
  ...stableDiffusion,
  steps: 4,
  guidanceScale: 8.5,
  start: { image: 0.8, mask: 1, spaces: true },
};

/** Stable Diffusion XL (Podell et al., 2023): two CLIP towers. */
const stableDiffusionXl: PipelineKind = {
  steps: 50,
  guidanceScale: 5,
  centresLatents: true,
  start: { image: 0.3, mask: 0.9999 },
  prompts: { clip: true, open: promptEncoder(clipPairTexts) },
};

/** The start from pictures in pipelines of flow matching. */
const flowStart = { image: 0.6, mask: 0.6, resizes: true, roundsUp: true };

/** Stable Diffusion 3 and 3.5 (Esser et al., 2024): two CLIP towers, and T5 unless it was left out. */
const stableDiffusion3: PipelineKind = {
  steps: 28,
  guidanceScale: 7,
  mostShift: 1.16,
  start: flowStart,
  prompts: {
    clip: true,
    t5: () => usualSd3Sequence,
    open: promptEncoder(sd3Texts),
  },
};

/** FLUX.1 (Black Forest Labs, 2024): a CLIP tower and T5. */
const flux: PipelineKind = {
  steps: 28,
  guidanceScale: 3.5,
  latentsTogether: 2,
  start: flowStart,
  sigmas: (steps) => evenly(steps, 1, 1 / steps),
  prompts: {
    t5: () => usualFluxSequence,
    open: promptEncoder(fluxTexts),
  },
};

const kinds: Readonly<Record<PipelineClass, PipelineKind>> = {
  DiTPipeline: dit,
  FluxImg2ImgPipeline: { ...flux, guidanceScale: 7 },
  FluxInpaintPipeline: { ...flux, guidanceScale: 7 },
  FluxPipeline: flux,
  LatentConsistencyModelImg2ImgPipeline: latentConsistency,
  LatentConsistencyModelPipeline: latentConsistency,
  PixArtAlphaPipeline: pixart,
  PixArtSigmaPipeline: pixart,
  StableDiffusion3Img2ImgPipeline: { ...stableDiffusion3, steps: 50 },
  StableDiffusion3InpaintPipeline: { ...stableDiffusion3, steps: 50 },
  StableDiffusion3Pipeline: stableDiffusion3,
  StableDiffusionImg2ImgPipeline: stableDiffusionFolder,
  StableDiffusionInpaintPipeline: {
    ...stableDiffusion,
    scheduler: { steps_offset: 1, skip_prk_steps: true },
  },
  StableDiffusionPipeline: stableDiffusionFolder,
  StableDiffusionXLImg2ImgPipeline: stableDiffusionXl,
  StableDiffusionXLInpaintPipeline: {
    ...stableDiffusionXl,
    guidanceScale: 7.5,
  },
  StableDiffusionXLPipeline: stableDiffusionXl,
};

/** The kind of a model's pipeline; for a network alone, the kind that the network's family is made for. */
export function kindOf(network: LoadedModel): PipelineKind {
  const { parts, family, config } = network;
  if (parts) return kinds[parts.className];
  if (family === "unet" && config.added) return stableDiffusionXl;
  const usual = {
    dit,
    flux,
    pixart,
    sd3: stableDiffusion3,
    unet: stableDiffusion,
  };
  return usual[family];
}

/** The number of tokens of every prompt; undefined in a network alone, or one that reads no text. @throws As `loadTokenizer`. */
export async function promptTokens(
  folder: string,
  network: LoadedModel,
): Promise<number | undefined> {
  const { parts } = network;
  const { prompts } = kindOf(network);
  if (!parts || !prompts) return undefined;
  const t5 = prompts.t5?.(network) ?? 0;
  if (!prompts.clip) return t5;
  const first = parts.lacks("tokenizer") ? "tokenizer_2" : "tokenizer";
  return t5 + (await loadTokenizer(`${folder}/${first}`)).length;
}
