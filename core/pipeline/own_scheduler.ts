/** The scheduler that a model's folder brings. */
import type { LoadedModel } from "../models/load.ts";
import {
  readSchedulerConfig,
  type SchedulerConfig,
} from "../samplers/schedule/scheduler_config.ts";

/**
 * Reads a model's `scheduler/scheduler_config.json`.
 *
 * @param options.task What cannot be done without one, for the error.
 * @param options.name What to call the model there; "it" where the task names it.
 * @throws {RangeError} If the folder has none.
 * @throws As `readSchedulerConfig`.
 */
export function ownScheduler(
  { schedulerConfig }: LoadedModel,
  { task, name = "it" }: { task: string; name?: string },
): Promise<SchedulerConfig> {
  if (schedulerConfig) return readSchedulerConfig(schedulerConfig);
  throw new RangeError(
    `Cannot ${task}: ${name} has no scheduler/scheduler_config.json`,
  );
}
