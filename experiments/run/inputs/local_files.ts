/** An experiment with its model and prompts on this machine: what is named on the hub is downloaded. */
import { modelFolder, promptFile } from "@dip-go/core/hub";
import type { Experiment } from "../../schema/experiment.ts";

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
