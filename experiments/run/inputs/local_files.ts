/** Experiments with their models and prompts on this machine: what is named on the hub is downloaded. */
import { modelFolder, promptFile } from "@dip-go/core/hub";
import type { Experiment } from "../../schema/experiment.ts";
import { checkMetricFiles } from "./needed_files.ts";

/** @throws {HubError} If the hub does not give what is named. */
export async function withLocalFiles(
  experiment: Experiment,
): Promise<Experiment> {
  const { prompts } = experiment;
  const model = await modelFolder(experiment.model);
  if (!prompts) return { ...experiment, model };
  return {
    ...experiment,
    model,
    prompts: {
      search: await promptFile(prompts.search),
      evaluation: await promptFile(prompts.evaluation),
    },
  };
}

/**
 * The same sections with local files.
 *
 * @throws {RangeError} If a file that metrics read is missing; nothing is downloaded then.
 * @throws {HubError} As {@linkcode withLocalFiles}.
 */
export async function localSections<
  Section extends { readonly experiment: Experiment },
>(sections: readonly Section[]): Promise<Section[]> {
  for (const { experiment } of sections) await checkMetricFiles(experiment);
  const local: Section[] = [];
  for (const section of sections) {
    const experiment = await withLocalFiles(section.experiment);
    local.push({ ...section, experiment });
  }
  return local;
}
