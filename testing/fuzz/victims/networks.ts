/** Networks of every family, with their weights, and whole pipelines of them. */
import { isFile, readJson } from "@dip-go/core/files";
import {
  autoencoderKind,
  clipTextKind,
  clipVisionKind,
  type ComponentKind,
  livelyWeights,
  loadComponent,
  loadModel,
  networkKind,
  t5EncoderKind,
  writeComponent,
} from "@dip-go/core/models";
import { loadPipeline } from "@dip-go/core/pipeline";
import { makeSampler, readSchedulerConfig } from "@dip-go/core/samplers";
import { loadTokenizer } from "@dip-go/core/text";
import {
  type PipelineClass,
  writeTinyPipeline,
} from "../../models/tiny_pipeline.ts";
import { configs, copies, testdata, type Victim } from "./victim.ts";

/** A folder of test data with one component. */
const component = <Config>(
  name: string,
  kind: ComponentKind<Config>,
): Victim => ({
  prepare: copies(`${testdata}/${name}`, ["config.json", kind.weightFile]),
  load: (folder) => loadComponent(folder, kind),
  strict: configs,
});

/** A network with random weights and a recorded configuration, some keys of which are replaced. */
const changed = (
  name: string,
  keys: Readonly<Record<string, unknown>>,
): Victim => ({
  async prepare(folder) {
    const json = await readJson(`${testdata}/${name}/config.json`);
    await writeComponent(folder, { ...json as object, ...keys }, {
      kind: networkKind,
      source: livelyWeights(2),
    });
  },
  load: (folder) => loadModel(folder),
  strict: configs,
});

const parts: readonly (readonly [string, ComponentKind<unknown>])[] = [
  ["vae", autoencoderKind],
  ["text_encoder", clipTextKind],
  ["text_encoder_2", clipTextKind],
  ["text_encoder_3", t5EncoderKind],
];

/** Loads a pipeline, and then each of its parts alone. */
async function loadParts(folder: string): Promise<void> {
  const pipeline = await loadPipeline(folder);
  for (const [name, clip] of parts) {
    const file = `${folder}/${name}/config.json`;
    if (!await isFile(file)) continue;
    const { model_type } = await readJson(file) as Record<string, unknown>;
    const kind = model_type === "t5" ? t5EncoderKind : clip;
    await loadComponent<unknown>(`${folder}/${name}`, kind);
  }
  for (const name of ["tokenizer", "tokenizer_2", "tokenizer_3"]) {
    if (!await isFile(`${folder}/${name}/tokenizer_config.json`)) continue;
    (await loadTokenizer(`${folder}/${name}`)).encode(["a b c"]);
  }
  const scheduler = `${folder}/scheduler/scheduler_config.json`;
  makeSampler(await readSchedulerConfig(scheduler), { steps: 4 });
  if (pipeline.scheduler) pipeline.sampler({ steps: 4 });
}

const pipeline = (name: PipelineClass): Victim => ({
  prepare: (folder) => writeTinyPipeline(folder, name),
  load: loadParts,
  strict: configs,
  open: /merges\.txt$|spiece\.model$/,
});

export const networks: Readonly<Record<string, Victim>> = {
  "dit": component("dit", networkKind),
  "pixart": component("pixart", networkKind),
  "unet": component("unet-sd15", networkKind),
  "unet-lcm-inpaint": changed("unet-sd15", {
    in_channels: 9,
    mid_block_type: null,
    time_cond_proj_dim: 16,
  }),
  "autoencoder": component("vae", autoencoderKind),
  "text-tower": component("clip-text-proj-gelu", clipTextKind),
  "picture-tower": component("clip-vision", clipVisionKind),
  "stable-diffusion": pipeline("StableDiffusionPipeline"),
  "stable-diffusion-xl": pipeline("StableDiffusionXLPipeline"),
  "stable-diffusion-3": pipeline("StableDiffusion3Pipeline"),
  "flux-pipeline": pipeline("FluxPipeline"),
  "pixart-pipeline": pipeline("PixArtAlphaPipeline"),
  "dit-pipeline": pipeline("DiTPipeline"),
};
