/** The options and the JSON output that both judges share. */
import { fileURLToPath } from "node:url";
import {
  dashed,
  flag,
  number,
  type OptionValues,
  whole,
} from "../options/option_table.ts";

/** Options for the sampling of pictures, with a judge's own defaults. */
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

/** The model's folder, and the settings of its sampler. */
export type JudgeSettings =
  & { readonly model: string }
  & Omit<OptionValues<ReturnType<typeof judgeRows>>, "json">;

/** The path of an embedded classifier. */
export const classifierFolder = (name: string): string =>
  fileURLToPath(new URL(`../../../zoo/models/${name}`, import.meta.url));

/** The settings, by their options' names, and the results, as lines of JSON. */
export function jsonLines(asked: object, judged: object): string[] {
  const named = Object.entries(asked)
    .map(([name, value]) => [dashed(name).slice(2), value]);
  return [
    JSON.stringify({ ...Object.fromEntries(named), ...judged }, null, 2),
  ];
}
