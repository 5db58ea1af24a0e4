/** Files of weights: shards, every form of `torch.save`, checkpoints in the original layout. */
import {
  autoencoderKind,
  clipTextKind,
  loadComponent,
} from "@dip-go/core/models";
import { loadPipeline } from "@dip-go/core/pipeline";
import {
  openSafetensors,
  openTensorFile,
  writeSafetensors,
} from "@dip-go/core/weights";
import { originalCheckpoint } from "../../models/original_checkpoint.ts";
import { configs, copies, root, testdata, type Victim } from "./victim.ts";

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
  strict: configs,
};

/** A file by `torch.save`, all of whose tensors are read. */
const torchFile = (name: string): Victim => ({
  prepare: copies(`${testdata}/torch`, [name]),
  load: (folder) =>
    Promise.try(() => {
      const file = openTensorFile(`${folder}/${name}`);
      for (const key of file.tensors.keys()) file.read(key);
    }),
});

/** A checkpoint in the original layout, and the configurations that `loadPipeline` derives from it. */
const original: Victim = {
  async prepare(folder) {
    const checkpoint = `${folder}/v1.safetensors`;
    const { original } = originalCheckpoint("Stable Diffusion 1");
    await writeSafetensors(checkpoint, original);
    const tokenizer = `${root}zoo/models/sd-shapes/tokenizer`;
    const files = ["vocab.json", "merges.txt", "tokenizer_config.json"];
    await copies(tokenizer, files)(folder);
    const { folder: told } = await loadPipeline(checkpoint);
    const parts = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"];
    for (const part of ["", ...parts]) {
      await Deno.mkdir(`${folder}/config/${part}`, { recursive: true });
      for await (const { name, isFile } of Deno.readDir(`${told}/${part}`)) {
        const path = `${part}/${name}`;
        if (isFile) await copies(told, [path])(`${folder}/config`);
      }
    }
    for (const file of files) await Deno.remove(`${folder}/${file}`);
  },
  async load(folder) {
    const weights = `${folder}/v1.safetensors`;
    const config = `${folder}/config`;
    await loadPipeline(weights, { config });
    await loadComponent(`${config}/vae`, autoencoderKind, { weights });
    await loadComponent(`${config}/text_encoder`, clipTextKind, { weights });
  },
  strict: configs,
  open: /merges\.txt$/,
};

/** A text tower with open_clip's names, whose loader splits weights. */
const openClipTower: Victim = {
  async prepare(folder) {
    const tower = [...originalCheckpoint("SDXL").original]
      .filter(([name]) => name.startsWith("conditioner.embedders.1."));
    await writeSafetensors(`${folder}/model.safetensors`, new Map(tower));
    await Deno.writeTextFile(
      `${folder}/config.json`,
      JSON.stringify({
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
      }),
    );
  },
  load: (folder) => loadComponent(folder, clipTextKind),
  strict: configs,
};

export const weights: Readonly<Record<string, Victim>> = {
  "shards": sharded,
  "torch-archive": torchFile("zip.bin"),
  "torch-legacy": torchFile("legacy.bin"),
  "torch-legacy-5": torchFile("legacy-5.bin"),
  "torch-nested": torchFile("nested.pt"),
  "torch-training": torchFile("training.pt"),
  "original": original,
  "original-tower": openClipTower,
};
