/** Options that commands share: the model, its sampler and its gates. */
import { allGranularities } from "@dip-go/core/models";
import { samplerKinds } from "@dip-go/core/samplers";
import { number, oneOf, path, whole } from "./option_table.ts";

/** Options for the model's files. */
export const modelRows = {
  model: path(
    "<folder, file or name>",
    "Pipeline in diffusers layout, a checkpoint in the original layout (file.safetensors, file.ckpt), or owner/name[@revision] on the hub",
    { default: "zoo/models/dit-shapes" },
  ),
  config: path(
    "<folder>",
    "For a checkpoint in the original layout: a pipeline of its kind, for configurations and tokenizers",
  ),
  weights: path(
    "<file>",
    "Weights of the network, if not those of its folder",
  ),
} as const;

/** Options for height and width of the pictures; the default is the model's training size. */
export const sizeRows = {
  height: whole(1)("<pixels>", "Of the pictures (default: the model's)"),
  width: whole(1)("<pixels>", "Of the pictures (default: the model's)"),
} as const;

/** The option for the number of tokens that T5 reads. */
export const sequenceRows = {
  "max-sequence-length": whole(1)(
    "<n>",
    "Tokens that T5 reads of a prompt, or rows of zeros in its place (default: its pipeline's)",
  ),
} as const;

/** Options for the sampler and its pictures; each default is the model's. */
export const samplerRows = {
  sampler: oneOf(samplerKinds)(
    "<name>",
    `${samplerKinds.join(", ")} (default: the model's own)`,
  ),
  steps: whole(1)(
    "<n>",
    "Steps of the sampler (default: its pipeline's, as in diffusers; 20 of a DiT)",
  ),
  "guidance-scale": number(
    "<s>",
    "Classifier-free guidance, which 1 turns off (default: its pipeline's, as in diffusers; 2 of a DiT)",
  ),
  ...sequenceRows,
  ...sizeRows,
} as const;

/** Options for a SubNet's gates. */
export const gatesRows = {
  gates: path(
    "<file>",
    "A plan of prune or of a run; without one, all blocks run",
  ),
  granularity: oneOf(allGranularities)(
    "<g>",
    `Units of the gates: ${
      allGranularities.join(", ")
    } (default sublayer; branch of a UNet)`,
  ),
} as const;
