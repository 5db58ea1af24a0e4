/**
 * The parts of the embedded text-to-image pipeline that are trained before its
 * UNet, brought into its folder: the text tower of `scenes-clip` with its
 * tokenizer, and the autoencoder `scenes-vae`.
 */
import { isFile, writeAtomically } from "@dip-go/core/files";
import { openSafetensors, writeSafetensors } from "@dip-go/core/weights";
import { writeJson } from "../training/model_folder.ts";
import { writeSceneTokenizer } from "../data/scene_tokenizer.ts";
import { sceneTextJson } from "./scenes_clip.ts";

/**
 * Brings the parts that `folder` lacks from the folders `scenes-clip` and
 * `scenes-vae` beside it. What is there stays: a UNet knows only the parts
 * between which it was trained.
 *
 * @param folder The pipeline's, such as `zoo/models/sd-shapes`; made if missing.
 * @throws {Error} If a part is neither in the folder nor beside it.
 */
export async function gatherParts(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true }); // the parts beside it are found from it
  // The config is written last: where it is, the part is whole.
  if (!await isFile(`${folder}/text_encoder/config.json`)) {
    await takeTextTower(`${folder}/../scenes-clip`, folder);
  }
  if (!await isFile(`${folder}/vae/config.json`)) {
    await takeAutoencoder(`${folder}/../scenes-vae`, `${folder}/vae`);
  }
}

/** The text half of a `CLIPModel` folder, as `CLIPTextModel`, and its tokenizer. */
async function takeTextTower(clip: string, folder: string): Promise<void> {
  const file = openSafetensors(`${clip}/model.safetensors`);
  const weights = new Map(
    [...file.tensors.keys()]
      .filter((key) => key.startsWith("text_model."))
      .map((key) => [key, file.read(key)]),
  );
  await writeSceneTokenizer(`${folder}/tokenizer`);
  const own = `${folder}/text_encoder`;
  await Deno.mkdir(own, { recursive: true });
  const { metadata } = file;
  await writeSafetensors(`${own}/model.safetensors`, weights, { metadata });
  const config = { architectures: ["CLIPTextModel"], ...sceneTextJson };
  await writeJson(`${own}/config.json`, config);
}

/** A copy of an `AutoencoderKL` folder. */
async function takeAutoencoder(vae: string, own: string): Promise<void> {
  await Deno.mkdir(own, { recursive: true });
  for (const file of ["diffusion_pytorch_model.safetensors", "config.json"]) {
    const bytes = await Deno.readFile(`${vae}/${file}`);
    await writeAtomically(`${own}/${file}`, bytes);
  }
}
