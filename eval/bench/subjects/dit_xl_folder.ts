/** DiT-XL/2 at 256x256 pixels with random weights and its published scheduler's settings, as a folder: all that speed and memory need of it. */
import { ditConfigJson, knownModels, networkKind } from "@dip-go/core/models";
import { ensureComponent, writeJsonFiles } from "./random_component.ts";

/** DiT's published scheduler settings, which serve where any would. */
export const ddimConfig = {
  _class_name: "DDIMScheduler",
  beta_schedule: "linear",
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
};

const { config } = knownModels["dit-xl-2-256"];

const transformer = ditConfigJson(config);

/** Writes the folder, 2.7 GB, where it is not there, and returns its path. */
export async function ensureDitXl(folder: string): Promise<string> {
  await writeJsonFiles(folder, {
    "model_index.json": { _class_name: "DiTPipeline" },
    "scheduler/scheduler_config.json": ddimConfig,
  });
  await ensureComponent(`${folder}/transformer`, transformer, networkKind);
  return folder;
}
