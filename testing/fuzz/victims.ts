/** What is fuzzed: small folders of every kind that is loaded, and how each is read to its last byte. */
import {
  autoencoderKind,
  clipTextKind,
  type ComponentKind,
  loadComponent,
  loadModel,
} from "@dip-go/core/models";
import { makeSampler, readSchedulerConfig } from "@dip-go/core/samplers";
import { loadTokenizer } from "@dip-go/core/text";
import {
  openSafetensors,
  openTensorFile,
  writeSafetensors,
} from "@dip-go/core/weights";
import {
  originalCheckpoint,
  originalKinds,
} from "../models/original_checkpoint.ts";

const root = decodeURIComponent(new URL("../..", import.meta.url).pathname);
const testdata = `${root}testdata`;

/** A folder and what reads it. */
export interface Victim {
  /** Writes the intact folder. */
  prepare(folder: string): Promise<void>;
  /** Reads it as the commands do. */
  load(folder: string): Promise<unknown>;
}

const tokenizers = `${testdata}/tokenizers`;
const weightFile = "diffusion_pytorch_model.safetensors";

/** Copies files of a folder of this repository. */
const copies =
  (from: string, files: readonly string[]) => async (folder: string) => {
    for (const file of files) {
      await Deno.copyFile(`${from}/${file}`, `${folder}/${file}`);
    }
  };

/** A folder of test data with one component. */
const component = <Config>(
  name: string,
  kind: ComponentKind<Config>,
): Victim => ({
  prepare: copies(`${testdata}/${name}`, ["config.json", kind.weightFile]),
  load: (folder) => loadComponent(folder, kind),
});

/** A folder of test data with a network. */
const network = (name: string): Victim => ({
  prepare: copies(`${testdata}/${name}`, ["config.json", weightFile]),
  load: (folder) => loadModel(folder),
});

/** The text tower with its weights in two shards and their index. */
const sharded: Victim = {
  async prepare(folder) {
    const from = `${testdata}/clip-text-proj-gelu`;
    await copies(from, ["config.json"])(folder);
    const file = openSafetensors(`${from}/model.safetensors`);
    const weight_map: Record<string, string> = {};
    const keys = [...file.tensors.keys()];
    for (const half of [0, 1]) {
      const own = keys.filter((_, i) => i % 2 === half);
      const shard = `model-0000${half + 1}-of-00002.safetensors`;
      const tensors = new Map(own.map((key) => [key, file.read(key)]));
      await writeSafetensors(`${folder}/${shard}`, tensors);
      for (const key of own) weight_map[key] = shard;
    }
    await Deno.writeTextFile(
      `${folder}/model.safetensors.index.json`,
      JSON.stringify({ metadata: {}, weight_map }),
    );
  },
  load: (folder) => loadComponent(folder, clipTextKind),
};

/** A file by `torch.save`, every tensor read. */
const torchFile = (name: string): Victim => ({
  prepare: copies(`${testdata}/torch`, [name]),
  load: (folder) =>
    Promise.try(() => {
      const file = openTensorFile(`${folder}/${name}`);
      for (const key of file.tensors.keys()) file.read(key);
    }),
});

const scheduler = (json: Record<string, unknown>): Victim => ({
  prepare: (folder) =>
    Deno.writeTextFile(
      `${folder}/scheduler_config.json`,
      JSON.stringify({
        beta_schedule: "scaled_linear",
        beta_start: 0.00085,
        beta_end: 0.012,
        num_train_timesteps: 1000,
        prediction_type: "epsilon",
        ...json,
      }),
    ),
  async load(folder) {
    const path = `${folder}/scheduler_config.json`;
    makeSampler(await readSchedulerConfig(path), { steps: 7 });
  },
});

const tokenizer = (from: string, files: readonly string[]): Victim => ({
  prepare: copies(from, files),
  async load(folder) {
    const tokenizer = await loadTokenizer(folder, { vocabulary: 1000 });
    tokenizer.encode(["a red circle on the left"]);
  },
});

/** A text tower whose weights are those of a checkpoint in the original layout. */
const original: Victim = {
  async prepare(folder) {
    const kind = originalKinds[originalKinds.length - 1];
    const tower = [...originalCheckpoint(kind).original]
      .filter(([name]) => name.startsWith("conditioner.embedders.1."));
    await writeSafetensors(`${folder}/model.safetensors`, new Map(tower));
    await Deno.writeTextFile(
      `${folder}/config.json`,
      JSON.stringify(originalTower),
    );
  },
  load: (folder) => loadComponent(folder, clipTextKind),
};

const originalTower = {
  architectures: ["CLIPTextModelWithProjection"],
  model_type: "clip_text_model",
  hidden_act: "gelu",
  hidden_size: 64,
  intermediate_size: 64,
  max_position_embeddings: 24,
  num_attention_heads: 1,
  num_hidden_layers: 2,
  projection_dim: 64,
  vocab_size: 610,
};

export const victims: Readonly<Record<string, Victim>> = {
  "dit": network("dit"),
  "pixart": network("pixart"),
  "unet": network("unet-sd15"),
  "autoencoder": component("vae", autoencoderKind),
  "text-tower": component("clip-text-proj-gelu", clipTextKind),
  "shards": sharded,
  "torch-archive": torchFile("zip.bin"),
  "torch-legacy": torchFile("legacy.bin"),
  "torch-nested": torchFile("nested.pt"),
  "ddim": scheduler({ _class_name: "DDIMScheduler", clip_sample: false }),
  "pndm": scheduler({ _class_name: "PNDMScheduler", skip_prk_steps: true }),
  "dpm-solver": scheduler({
    _class_name: "DPMSolverMultistepScheduler",
    use_karras_sigmas: true,
  }),
  "torch-training": torchFile("training.pt"),
  "torch-legacy-5": torchFile("legacy-5.bin"),
  "original-tower": original,
  "tokenizer": tokenizer(`${root}zoo/models/scenes-clip`, [
    ...["vocab.json", "merges.txt"],
    ...["tokenizer_config.json", "special_tokens_map.json"],
  ]),
  "t5-pieces": tokenizer(tokenizers, [
    ...["spiece.model", "tokenizer_config.json"],
  ]),
  "t5-json": tokenizer(tokenizers, [
    ...["tokenizer.json", "tokenizer_config.json"],
  ]),
};
