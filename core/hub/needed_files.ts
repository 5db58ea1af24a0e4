/** Which of a model's files this project reads. */

const folders =
  "transformer|unet|vae|text_encoder(?:_2)?|tokenizer(?:_2)?|scheduler";
const small = new RegExp(
  `^(?:(?:${folders})/)?[A-Za-z0-9_.-]+\\.(?:json|txt)$|^(?:${folders})/spiece\\.model$`,
);
const weights = new RegExp(
  `^((?:(?:${folders})/)?)(?:diffusion_pytorch_model|pytorch_model|model)(?:-\\d{5}-of-\\d{5})?\\.(safetensors|bin)$`,
);

/** The weights of a text-picture pair in open_clip's layout, the preferred first. */
const openClip = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"];

/**
 * Configs, vocabularies and the weights of each folder: safetensors, or what
 * `torch.save` wrote where there are none. Other precisions (`.fp16.`) and
 * frameworks are left out; so is open_clip's copy of weights, where the model is
 * there in transformers' layout too.
 */
export function neededFiles(paths: readonly string[]): string[] {
  const safe = new Set(
    paths.map((path) => weights.exec(path))
      .filter((match) => match?.[2] === "safetensors")
      .map((match) => match![1]),
  );
  const ownClip = paths.includes("config.json") ? [] : openClip;
  const clip = ownClip.find((path) => paths.includes(path));
  return paths.filter((path) => {
    if (path === clip) return true;
    if (isVariant(path)) return false;
    const match = weights.exec(path);
    if (!match) return small.test(path);
    return match[2] === "safetensors" || !safe.has(match[1]);
  });
}

/** Whether it is of weights in another precision. */
const isVariant = (path: string): boolean =>
  /\.(?:index\.)?(?:fp16|bf16|non_ema)\./.test(path);
