/** `deno task experiment paper-table1`: runs a study, or prints what it would take. */
import type { Device } from "@dip-go/core/runtime";
import type { Experiment } from "../../schema/experiment.ts";
import { withLocalFiles } from "../inputs/local_files.ts";
import { checkMetricFiles } from "../../measure/meters.ts";
import { type FinishedRun, type RunOptions, runShare } from "../runner.ts";
import { withSetting } from "../../schema/setting.ts";
import type { Share } from "../../engine/share.ts";
import { deviceRate } from "../../dry_run/device_rate.ts";
import { dryRunStudy } from "../../dry_run/dry_run_study.ts";
import { runStudy } from "./run_study.ts";
import type { Scale, Section, Study } from "../../schema/study.ts";

const scaleSetting = /^scale=/;

/**
 * The sections of a study under settings: `scale=full` (the default) or
 * `scale=embedded` chooses them, every other setting changes each.
 *
 * @param change What else changes in every section.
 * @throws {RangeError} If there is no such scale or no value at a setting's path.
 * @throws {TypeError} As `withSetting`.
 */
export function sectionsOf(
  study: Study,
  settings: readonly string[],
  change: (experiment: Experiment) => Experiment = (experiment) => experiment,
): Section[] {
  const scales = settings.filter((setting) => scaleSetting.test(setting));
  const scale = scaleOf(scales.at(-1)?.replace(scaleSetting, "") ?? "full");
  const others = settings.filter((setting) => !scaleSetting.test(setting));
  return study.sections[scale].map((section) => ({
    ...section,
    experiment: change(others.reduce(withSetting, section.experiment)),
  }));
}

function scaleOf(text: string): Scale {
  if (text === "full" || text === "embedded") return text;
  throw new RangeError(
    `Cannot set scale: found ${text}, expected full or embedded`,
  );
}

/**
 * Runs the sections, their models and prompts brought to this machine first.
 *
 * @throws {RangeError} If a file that metrics read is missing; nothing is downloaded then.
 */
export async function runSections(
  study: Study,
  sections: readonly Section[],
  options: RunOptions,
): Promise<FinishedRun> {
  for (const { experiment } of sections) await checkMetricFiles(experiment);
  const local: Section[] = [];
  for (const section of sections) {
    const experiment = await withLocalFiles(section.experiment);
    local.push({ ...section, experiment });
  }
  return await runStudy(study, local, options);
}

/** Makes a share of every section, their models and prompts brought to this machine first. @throws As {@linkcode runSections}. */
export async function shareSections(
  sections: readonly Section[],
  share: Share,
  options: RunOptions,
): Promise<void> {
  for (const { experiment } of sections) await checkMetricFiles(experiment);
  for (const { experiment } of sections) {
    await runShare(await withLocalFiles(experiment), share, options);
  }
}

/** The lines of `--dry-run`. */
export async function dryRunSections(
  study: Study,
  sections: readonly Section[],
  { device }: { device: Device },
): Promise<string[]> {
  return await dryRunStudy(study, sections, { rate: await deviceRate(device) });
}
