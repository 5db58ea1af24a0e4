/**
 * The text towers of an original checkpoint by transformers' names: towers in
 * transformers' layout (Stable Diffusion 1, the first of SDXL, both of Stable
 * Diffusion 3, beside T5), or in open_clip's (Stable Diffusion 2, the second of
 * SDXL, the refiner's).
 */
import type { TensorFile } from "../tensor_file.ts";
import { asClipModel } from "./open_clip.ts";
import { partOf, partOrWhole, translatedFile } from "./translated.ts";

/** The prefix of the text towers of Stable Diffusion 3 and FLUX. */
export const textEncoders = "text_encoders.";

/** The prefixes of towers in the checkpoint of a whole pipeline; open_clip's end in `model.`. */
const places = [
  "cond_stage_model.transformer.",
  "conditioner.embedders.0.transformer.",
  `${textEncoders}clip_l.transformer.`,
  `${textEncoders}clip_g.transformer.`,
  "cond_stage_model.model.",
  "conditioner.embedders.0.model.",
  "conditioner.embedders.1.model.",
];

/** T5's encoder in a checkpoint of SD3 or FLUX; other files are kept unchanged. */
export const originalT5 = (file: TensorFile): TensorFile =>
  partOrWhole(file, `${textEncoders}t5xxl.transformer.`);

export interface OriginalTower {
  readonly file: TensorFile;
  readonly isOpenClip: boolean;
}

/** Every text tower, in the pipeline's order. */
export const originalTowers = (file: TensorFile): OriginalTower[] =>
  places.flatMap((prefix) => {
    const part = partOf(file, prefix);
    if (part.tensors.size === 0) return [];
    const isOpenClip = prefix.endsWith(".model.");
    return [{ file: isOpenClip ? asClipModel(part) : part, isOpenClip }];
  });

/** The part of a tower's configuration that selects its tensors. */
interface WantedTower {
  readonly width: number;
  readonly layers: number;
  /** Null if the pipeline reads no projection. */
  readonly projection: number | null;
}

/**
 * The tower of a width; among several, open_clip's exactly if the tower is to
 * project. Tensors that the pipeline does not run are left out, such as the
 * last layer in Stable Diffusion 2. Files of another layout are kept unchanged.
 */
export function originalText(
  file: TensorFile,
  { width, layers, projection }: WantedTower,
): TensorFile {
  const towers = originalTowers(file);
  const fitting = towers.filter((tower) => widthOf(tower) === width);
  const usual = fitting.find((tower) =>
    tower.isOpenClip === (projection !== null)
  );
  const found = (usual ?? fitting[0] ?? towers[0])?.file;
  if (!found) return file;
  const isRun = (name: string) =>
    name !== "logit_scale" && !(Number(layer.exec(name)?.[1]) >= layers) &&
    (projection !== null || name !== "text_projection.weight");
  return translatedFile(
    found,
    (name, tensor) => isRun(name) ? [[name, tensor]] : [],
  );
}

const layer = /\.layers\.(\d+)\./;

/** The width of a tower's token embedding, whose key may lack the tower's name. */
function widthOf({ file: { tensors } }: OriginalTower): number | undefined {
  const key = "embeddings.token_embedding.weight";
  return (tensors.get(`text_model.${key}`) ?? tensors.get(key))?.shape[1];
}
