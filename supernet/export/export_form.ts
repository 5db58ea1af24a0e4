/** The form of an exported graph: which inputs it takes, and whether it returns latents or pictures. */
import { loadClipText } from "@dip-go/core/models";
import {
  emitPictures,
  type PipelineSampler,
  refuseRescale,
} from "@dip-go/core/pipeline";
import { type Precision, precisions } from "@dip-go/core/runtime";
import type { CompileRequest } from "../compile/compile_sub_net.ts";
import {
  classInputs,
  featureInputs,
  tokenInputs,
} from "../compile/compiled_conditioning.ts";
import { denseGates } from "../gates/gates.ts";
import { checkPlan, type Plan } from "../gates/plan.ts";
import { type SuperNet, superNetOf } from "../gates/super_net.ts";

/** The form of an exported graph. */
export interface ExportForm {
  /** Pictures at once, 1 by default. */
  readonly batch?: number;
  /** The precision of weights and products, float32 by default. Inputs and outputs are float32 always. */
  readonly precision?: Precision;
  /** Names of the weights that an 8-bit precision keeps in 8 bits. */
  readonly int8Weights?: readonly string[];
  /** Whether token ids go in, and the text tower is part of the graph; else the tower's features go in. */
  readonly textEncoder?: boolean;
  /** Whether latents come out; else the decoder is part of the graph. In pixel space pictures come out always. */
  readonly latents?: boolean;
}

/**
 * The request to compile a sampler's SubNet.
 *
 * @param plan The SubNet's plan; all gates open by default.
 * @throws {TypeError} If `textEncoder` is set and the pipeline has other than one CLIP tower or skips its layers, or the sampler rescales guidance or does not start from noise.
 * @throws {RangeError} If the plan has other units or steps, the batch is no whole number, or the precision is unknown.
 */
export async function compileRequestOf(
  sampler: PipelineSampler,
  plan: Plan | undefined,
  { batch = 1, textEncoder = false, latents = false, ...form }: ExportForm,
): Promise<CompileRequest> {
  const { start, pipeline: { name } } = sampler;
  refuseRescale(sampler, `export ${name}`);
  if (start) {
    throw new TypeError(
      `Cannot export ${name}: its sampler starts from a picture or from latents, expected noise, as a file starts from that alone`,
    );
  }
  const refuse = (what: string, found: unknown, expected: string): never => {
    throw new RangeError(
      `Cannot export ${name}: ${what} is ${found}, expected ${expected}`,
    );
  };
  if (!Number.isSafeInteger(batch) || batch < 1) {
    refuse("batch", batch, "a whole number from 1");
  }
  const { precision = "float32" } = form;
  if (!precisions.includes(precision)) {
    refuse("precision", precision, `one of ${precisions.join(", ")}`);
  }
  const net = superNetOf(sampler, { images: batch });
  if (plan) checkPlan(plan, { ...net, sampler });
  return {
    net,
    sampler: sampler.sampler,
    guidanceScale: sampler.guidanceScale,
    plan: plan ?? { gates: denseGates(net.steps, net.units.length) },
    conditioning: await conditioningOf(sampler, net, textEncoder),
    picture: await pictureOf(sampler, latents),
    precision,
    int8Weights: form.int8Weights,
    int8Passes: 2,
  };
}

/** The function that emits pictures from latents, which in pixel space are pictures already. */
async function pictureOf(
  { pipeline }: PipelineSampler,
  latents: boolean,
): Promise<CompileRequest["picture"]> {
  if (pipeline.drawsPixels) return (_, pictures) => pictures;
  if (latents) return undefined;
  const autoencoder = (await pipeline.autoencoder())!;
  return (g, latents) => emitPictures(g, latents, autoencoder);
}

async function conditioningOf(
  { guided, clipSkip, pipeline: { model, folder, checkpoint } }:
    PipelineSampler,
  { model: graph }: SuperNet,
  textEncoder: boolean,
): Promise<CompileRequest["conditioning"]> {
  if (!textEncoder) {
    return model.family === "dit"
      ? classInputs(graph, { guided, nullClass: model.config.classes })
      : featureInputs(graph, { guided });
  }
  if (clipSkip > 0) {
    throw new TypeError(
      `Cannot export ${folder} with its text encoder: clipSkip is ${clipSkip}, expected 0, as the tower's last features are read; leave --text-encoder out`,
    );
  }
  if (model.family === "unet" && !model.config.added) {
    const tower = await loadClipText(`${folder}/text_encoder`, {
      weights: checkpoint,
    });
    return tokenInputs(graph, { guided, tower });
  }
  throw new TypeError(
    `Cannot export ${folder} with its text encoder: expected a pipeline with one CLIP tower (Stable Diffusion 1 or 2); leave --text-encoder out`,
  );
}
