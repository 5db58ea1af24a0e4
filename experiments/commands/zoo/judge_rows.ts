/** What both judges are asked for, and how they say what they found. */
import {
  dashed,
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

/** The path of an embedded classifier. */
export const classifierFolder = (name: string): string =>
  decodeURIComponent(
    new URL(`../../../zoo/models/${name}`, import.meta.url).pathname,
  );

/** What was asked, by its options' names, and what was found, as JSON. */
export function jsonLines(asked: object, judged: object): string[] {
  const named = Object.entries(asked)
    .map(([name, value]) => [dashed(name).slice(2), value]);
  return [
    JSON.stringify({ ...Object.fromEntries(named), ...judged }, null, 2),
  ];
}
