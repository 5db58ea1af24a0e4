/** Which of a model's files this project reads. */

const folders =
  "transformer|unet|vae|text_encoder(?:_[23])?|tokenizer(?:_[23])?|scheduler";
const small = new RegExp(
  `^(?:(?:${folders})/)?[A-Za-z0-9_.-]+\\.(?:json|txt)$|^(?:${folders})/spiece\\.model$`,
);
const weights = new RegExp(
  `^((?:(?:${folders})/)?)(?:diffusion_pytorch_model|pytorch_model|model)(\\.fp16)?(?:-\\d{5}-of-\\d{5})?(\\.fp16)?(\\.safetensors|\\.bin)$`,
);

/** Forms of one folder's weights, the preferred first: of full precision, and in safetensors, where there are any. */
const forms = [".safetensors", ".bin", ".fp16.safetensors", ".fp16.bin"];

/** The weights of a text-picture pair in open_clip's layout, the preferred first. */
const openClip = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"];

/** Weights: the folder that they belong to, and their form. */
function weightsOf(path: string): { folder: string; form: string } | null {
  const match = weights.exec(path);
  if (!match) return null;
  const [, folder, before = "", after = "", extension] = match;
  return { folder, form: (before || after) + extension };
}

/**
 * Configs, vocabularies and the weights of each folder in one of their
 * {@linkcode forms}. Other frameworks and precisions are left out; so is
 * open_clip's copy of weights, where the model is there in transformers' layout
 * too.
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
