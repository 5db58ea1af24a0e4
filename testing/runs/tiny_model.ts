/** For tests: a DiT folder small enough to be sampled in milliseconds, with random weights. */
import {
  loadPipeline,
  type PipelineSampler,
  type SamplerOptions,
} from "@dip-go/core/pipeline";
import { inTemporaryFolder } from "../files/in_temporary_folder.ts";
import { ditConfigJson, networkKind, randomWeights } from "@dip-go/core/models";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import { tinyDit } from "../models/tiny_dit.ts";

const schedulerJson = {
  _class_name: "DDIMScheduler",
  beta_schedule: "linear",
  clip_sample: false,
  prediction_type: "epsilon",
  timestep_spacing: "trailing",
};

/** Ten times the weights of `randomWeights`, so that a skipped unit shows in the image. */
function weights(): Map<string, Tensor<"float32">> {
  const source = randomWeights(7);
  const network = { family: "dit", config: tinyDit } as const;
  return new Map(
    [...networkKind.parameters(network)].map(([key, shape]) => {
      const { data } = source(key, shape);
      const scaled = (data!.data as Float32Array).map((value) => 10 * value);
      return [key, float32(shape, scaled)];
    }),
  );
}

/** Writes the model in diffusers layout: 8x8 pixels, 2 blocks, 4 classes. */
export async function writeTinyModel(folder: string): Promise<void> {
  for (const name of ["transformer", "scheduler"]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  }
  const write = (name: string, json: unknown) =>
    Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(json));
  await write("model_index.json", { _class_name: "DiTPipeline" });
  await write("transformer/config.json", ditConfigJson(tinyDit));
  await write("scheduler/scheduler_config.json", schedulerJson);
  const file = `${folder}/transformer/diffusion_pytorch_model.safetensors`;
  await writeSafetensors(file, weights());
}

/** Runs `body` with a sampler of the model, whose units are sublayers that hold their residuals. */
export const withTinySampler = (
  options: SamplerOptions,
  body: (sampler: PipelineSampler) => Promise<void>,
): Promise<void> =>
  inTemporaryFolder(async (folder) => {
    await writeTinyModel(folder);
    const pipeline = await loadPipeline(folder);
    const units = { granularity: "sublayer", backup: "residual" } as const;
    await body(pipeline.sampler({ ...units, guidanceScale: 2, ...options }));
  });
