/** Options of both judges. */
import {
  flag,
  number,
  type OptionValues,
  whole,
} from "../options/option_table.ts";

/** How pictures are sampled, with a judge's own defaults. */
export const judgeRows = (
  { guidanceScale, steps }: { guidanceScale: number; steps: number },
) => ({
  "guidance-scale": number("<s>", "Classifier-free guidance", {
    default: String(guidanceScale),
  }),
  steps: whole(1)("<n>", "Steps of the model's own sampler", {
    default: String(steps),
  }),
  seed: whole(0)("<n>", "Seed of the initial noise, as torch.manual_seed", {
    default: "1",
  }),
  json: flag("Print JSON"),
});

/** The model, and what was asked of its sampler. */
export type JudgeSettings =
  & { readonly model: string }
  & Omit<OptionValues<ReturnType<typeof judgeRows>>, "json">;
