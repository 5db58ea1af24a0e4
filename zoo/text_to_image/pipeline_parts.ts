/**
 * Copies into the folders of the embedded text-to-image pipelines the parts that
 * are trained before their networks: text towers with their tokenizers, and the
 * autoencoder. A part that is there stays: a network works only with the parts
 * that it was trained with.
 */
import { isFile, readJson, writeAtomically } from "@dip-go/core/files";
import type { Tensor } from "@dip-go/core/tensor";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import { writeJson } from "../training/model_folder.ts";
import { writeSceneTokenizer } from "../data/scene_tokenizer.ts";
import { sceneTextJson } from "./scenes_clip.ts";

/**
 * Copies the parts of a Stable Diffusion that `folder` lacks from the folders
 * `scenes-clip` and `scenes-vae` beside it.
 *
 * @param folder The pipeline's folder, such as `zoo/models/sd-shapes`; made if missing.
 * @throws {Error} If a part is neither in the folder nor beside it.
 */
export async function gatherParts(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true }); // the paths of the folders beside it lead through it
  await takeTextTower(folder, {
    suffix: "",
    className: "CLIPTextModel",
    sources: [clip],
  });
  await takeAutoencoder(folder);
}

/**
 * Copies the parts of a Stable Diffusion 3 that `folder` lacks from the folders
 * beside it: the text tower of `scenes-clip`, trained to tell pictures apart, and
 * the one of `sd-shapes`, trained further for drawing. Both have the projection
 * of `scenes-clip`.
 *
 * @throws {Error} If a part is neither in the folder nor beside it.
 */
export async function gatherTwoTowers(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const className = "CLIPTextModelWithProjection";
  const drawing = "sd-shapes/text_encoder/model.safetensors";
  await takeTextTower(folder, { suffix: "", className, sources: [clip] });
  await takeTextTower(folder, {
    suffix: "_2",
    className,
    sources: [clip, drawing],
  });
  await takeAutoencoder(folder, { shift_factor: 0 }); // a key of SD3's autoencoders
}

/** The file with both towers of `scenes-clip`. */
const clip = "scenes-clip/model.safetensors";

interface TextTower {
  /** The end of the names of the tower's folder and the tokenizer's. */
  readonly suffix: string;
  readonly className: "CLIPTextModel" | "CLIPTextModelWithProjection";
  /** Weight files in folders beside the pipeline's; if several hold a weight, the last one counts. */
  readonly sources: readonly string[];
}

/** Copies a text tower and its tokenizer, unless the tower is there. */
async function takeTextTower(
  folder: string,
  { suffix, className, sources }: TextTower,
): Promise<void> {
  const own = `${folder}/text_encoder${suffix}`;
  if (await isFile(`${own}/config.json`)) return; // written last: the part is complete
  const wanted = className === "CLIPTextModel"
    ? /^text_model\./
    : /^text_(model|projection)\./;
  const weights = new Map<string, Tensor>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const source of sources) {
    const file = openSafetensors(`${folder}/../${source}`);
    for (const key of file.tensors.keys()) {
      if (wanted.test(key)) weights.set(key, file.read(key));
    }
    metadata = file.metadata;
  }
  await writeSceneTokenizer(`${folder}/tokenizer${suffix}`);
  await Deno.mkdir(own, { recursive: true });
  await writeSafetensors(`${own}/model.safetensors`, weights, { metadata });
  const config = { architectures: [className], ...sceneTextJson };
  await writeJson(`${own}/config.json`, config);
}

/** Copies `scenes-vae`, unless it is there, and adds the keys of `said` to its configuration. */
async function takeAutoencoder(
  folder: string,
  said: Readonly<Record<string, number>> = {},
): Promise<void> {
  const own = `${folder}/vae`;
  if (await isFile(`${own}/config.json`)) return;
  await Deno.mkdir(own, { recursive: true });
  const vae = `${folder}/../scenes-vae`;
  const weights = "diffusion_pytorch_model.safetensors";
  const bytes = await Deno.readFile(`${vae}/${weights}`);
  await writeAtomically(`${own}/${weights}`, bytes);
  const config = await readJson(`${vae}/config.json`);
  await writeJson(`${own}/config.json`, { ...config as object, ...said });
}
