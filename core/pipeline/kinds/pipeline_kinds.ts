/** The kinds of pipelines: the one place that lists them. */
import type { LoadedModel } from "../../models/load.ts";
import type { PipelineClass } from "../../models/pipeline_parts.ts";
import { dit } from "./dit.ts";
import { flux } from "./flux.ts";
import { latentConsistency } from "./latent_consistency.ts";
import type { PipelineKind } from "./pipeline_kind.ts";
import { pixart } from "./pixart.ts";
import { stableDiffusion } from "./stable_diffusion.ts";
import { stableDiffusion3 } from "./stable_diffusion_3.ts";
import { stableDiffusionXl } from "./stable_diffusion_xl.ts";

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
  StableDiffusionImg2ImgPipeline: stableDiffusion,
  StableDiffusionInpaintPipeline: stableDiffusion,
  StableDiffusionPipeline: stableDiffusion,
  StableDiffusionXLImg2ImgPipeline: stableDiffusionXl,
  StableDiffusionXLInpaintPipeline: {
    ...stableDiffusionXl,
    guidanceScale: 7.5,
  },
  StableDiffusionXLPipeline: stableDiffusionXl,
};

/** The kind of a model's pipeline, or of a network alone that of the pipeline which its family is made for. */
export function kindOf(network: LoadedModel): PipelineKind {
  const { parts } = network;
  if (parts) return kinds[parts.className];
  switch (network.family) {
    case "dit":
      return dit;
    case "flux":
      return flux;
    case "pixart":
      return pixart;
    case "sd3":
      return stableDiffusion3;
    case "unet":
      return network.config.added ? stableDiffusionXl : stableDiffusion;
  }
}
