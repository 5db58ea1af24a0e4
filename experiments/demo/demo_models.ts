/** The models of the demo, as their experiments sample them. */
import {
  loadPipeline,
  type PipelineOptions,
  type PipelineSampler,
} from "@dip-go/core";
import { int8Candidates } from "@dip-go/core/pipeline";
import { readJson } from "@dip-go/core/files";
import type { Experiment } from "../schema/experiment.ts";
import { experimentSampler } from "../schema/experiment_sampler.ts";
import quickstart from "../quickstart.ts";
import quickstartMmdit from "../quickstart_mmdit.ts";
import quickstartSd from "../quickstart_sd.ts";

/** A model of the demo. */
export interface DemoModel {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** The experiment that names the model, its sampler and its units. */
  readonly experiment: Pick<Experiment, "model" | "sampler" | "superNet">;
  /** Prompts to try, if the model reads text. */
  readonly examples?: readonly string[];
}

const examples = [
  "a large magenta circle at the top, black background",
  "a big blue star on grey",
  "a tiny red cross on the left and a tiny yellow square on the right",
  "a green triangle in the middle on white",
];

export const demoModels: readonly DemoModel[] = [
  {
    name: "dit-shapes",
    title: "Shapes",
    about: "A diffusion transformer that draws classes, 24 × 24 pixels",
    experiment: quickstart,
  },
  {
    name: "sd-shapes",
    title: "Scenes",
    about: "Stable Diffusion in small, that reads prompts, 64 × 64 pixels",
    experiment: quickstartSd,
    examples,
  },
  {
    name: "mmdit-shapes",
    title: "Scenes by a transformer",
    about: "Stable Diffusion 3 in small, that reads prompts, 64 × 64 pixels",
    experiment: quickstartMmdit,
    examples,
  },
];

/** The full sampler of a model. @throws As `loadPipeline`. */
export const fullSampler = async (
  { experiment }: DemoModel,
  options?: PipelineOptions,
): Promise<PipelineSampler> =>
  experimentSampler(await loadPipeline(experiment.model, options), experiment);

/** Options to store every candidate weight in 8 bits: half the download, which these models' pictures allow. */
export const weightsIn8Bits = (sampler: PipelineSampler) => {
  const precision = "int8-weights";
  return {
    precision,
    int8Weights: int8Candidates(sampler, precision),
  } as const;
};

/** Names of a model's classes by number. @throws {TypeError} If the model's index has no names. */
export async function classNames(folder: string): Promise<string[]> {
  const file = `${folder}/model_index.json`;
  const { id2label } = await readJson(file) as {
    id2label?: Record<string, string>;
  };
  if (!id2label) {
    throw new TypeError(
      `Cannot read ${file}: key "id2label" is missing, expected names by class`,
    );
  }
  return Object.values(id2label);
}
