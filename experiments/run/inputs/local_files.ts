/** Brings the models and prompts of experiments onto this machine: names of the hub are downloaded. */
import { modelFolder, promptFile } from "@dip-go/core/hub";
import type { Section } from "../../schema/study.ts";
import { checkMetricFiles } from "./needed_files.ts";

/**
 * The sections with local paths of models and prompts.
 *
 * @throws {RangeError} If a file that metrics read is missing; nothing is downloaded then.
 * @throws {HubError} If the hub does not give a named model or file.
 */
export async function localSections(
  sections: readonly Section[],
): Promise<Section[]> {
  for (const { experiment } of sections) await checkMetricFiles(experiment);
  const local: Section[] = [];
  for (const section of sections) {
    const { experiment } = section;
    const model = await modelFolder(experiment.model);
    const prompts = experiment.prompts && {
      search: await promptFile(experiment.prompts.search),
      evaluation: await promptFile(experiment.prompts.evaluation),
    };
    local.push({ ...section, experiment: { ...experiment, model, prompts } });
  }
  return local;
}
