/**
 * The file of a component's folder that holds its weights, by the names that
 * diffusers and transformers give: one file or an index of several, safetensors
 * or by `torch.save`, in full precision or as a variant.
 */

/** The variants in order of preference: full precision before half, averages before others. */
export const variants = ["", ".fp16", ".bf16", ".non_ema"];

/**
 * Every name that the weights may have, the preferred one first. If a folder has one
 * file and an index too, diffusers reads the index, and transformers the file.
 *
 * @param weightFile The name in its simplest form: `diffusion_pytorch_model.safetensors` or `model.safetensors`.
 */
export function weightNames(weightFile: string): readonly string[] {
  const stem = weightFile.replace(/\.safetensors$/, "");
  const torch = stem === "model" ? "pytorch_model" : stem;
  const forms = [[stem, "safetensors"], [torch, "bin"]];
  return variants.flatMap((variant) =>
    forms.flatMap(([stem, extension]) => {
      const file = `${stem}${variant}.${extension}`;
      const indices = indexNames(stem, variant, extension);
      return prefersIndex(stem) ? [...indices, file] : [file, ...indices];
    })
  );
}

/** Whether the library that gives weights this name prefers an index to one file. */
export const prefersIndex = (stem: string): boolean =>
  stem.startsWith("diffusion");

/** The names of an index; older versions put the variant elsewhere. */
function indexNames(stem: string, variant: string, extension: string) {
  return [
    ...new Set([
      `${stem}.${extension}.index${variant}.json`,
      `${stem}${variant}.${extension}.index.json`,
    ]),
  ];
}

/**
 * The path of the weights in a component's folder.
 *
 * @param weightFile As for {@linkcode weightNames}.
 * @throws {Deno.errors.NotFound} If there are no weights, or no such folder.
 */
export function findWeights(folder: string, weightFile: string): string {
  const present = new Set(Array.from(Deno.readDirSync(folder), (e) => e.name));
  const names = weightNames(weightFile);
  const found = names.find((name) => present.has(name));
  if (found) return `${folder}/${found}`;
  throw new Deno.errors.NotFound(
    `Cannot load ${folder}: found no weights, expected one of ${
      names.join(", ")
    }`,
  );
}
