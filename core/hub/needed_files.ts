/** The files of a model that this project reads. */
import { prefersIndex, variants } from "../files/weights/find_weights.ts";

const folders =
  "transformer|unet|vae|text_encoder(?:_[23])?|tokenizer(?:_[23])?|scheduler";
const small = new RegExp(
  `^(?:(?:${folders})/)?[A-Za-z0-9_.-]+\\.(?:json|txt)$|^(?:${folders})/spiece\\.model$`,
);
const variant = `(${variants.filter(Boolean).map(RegExp.escape).join("|")})?`;
const weights = new RegExp(
  `^((?:(?:${folders})/)?)(diffusion_pytorch_model|pytorch_model|model)${variant}(-\\d{5}-of-\\d{5})?${variant}(\\.safetensors|\\.bin)$`,
);

/** Forms of one folder's weights, the preferred first: by variant, then safetensors before others, one file or shards. */
const forms = variants.flatMap((variant) =>
  [".safetensors", ".bin"].flatMap((extension) =>
    ["", "+"].map((other) => variant + extension + other)
  )
);

/** The weights of a text-picture pair in open_clip's layout, the preferred first. */
const openClip = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"];

/** The folder and the form of a file of weights; null for any other file. */
function weightsOf(path: string): { folder: string; form: string } | null {
  const match = weights.exec(path);
  if (!match) return null;
  const [, folder, stem, before = "", shard, after = "", extension] = match;
  const isUsual = prefersIndex(stem) === (shard !== undefined);
  return { folder, form: (before || after) + extension + (isUsual ? "" : "+") };
}

/**
 * Selects configs, vocabularies, and the weights of each folder in the best of
 * its {@linkcode forms}. Other frameworks and precisions are left out; so is
 * open_clip's copy of weights, if the model is also there in transformers'
 * layout.
 */
export function neededFiles(paths: readonly string[]): string[] {
  const best = new Map<string, string>();
  for (const found of paths.map(weightsOf)) {
    if (!found) continue;
    const { folder, form } = found;
    const before = best.get(folder) ?? form;
    const isBetter = forms.indexOf(form) < forms.indexOf(before);
    best.set(folder, isBetter ? form : before);
  }
  const ownClip = paths.includes("config.json") ? [] : openClip;
  const clip = ownClip.find((path) => paths.includes(path));
  return paths.filter((path) => {
    const found = weightsOf(path);
    if (found) return best.get(found.folder) === found.form;
    return path === clip || small.test(path);
  });
}
