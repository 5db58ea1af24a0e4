/** A study's sections under the command's settings. */
import { withSettings } from "../../schema/setting.ts";
import type { Scale, Section, Study } from "../../schema/study.ts";

const scaleSetting = /^scale=/;

/**
 * The sections of a study under settings: `scale=embedded` (the default) or
 * `scale=full` chooses them, every other setting changes each.
 *
 * @throws {RangeError} If there is no such scale; also as `withSettings`.
 */
export function sectionsOf(
  study: Study,
  settings: readonly string[],
): Section[] {
  const scales = settings.filter((setting) => scaleSetting.test(setting));
  const scale = scaleOf(scales.at(-1)?.replace(scaleSetting, "") ?? "embedded");
  const others = settings.filter((setting) => !scaleSetting.test(setting));
  return study.sections[scale].map((section) => ({
    ...section,
    experiment: withSettings(section.experiment, others),
  }));
}

function scaleOf(text: string): Scale {
  if (text === "full" || text === "embedded") return text;
  throw new RangeError(
    `Cannot set scale: found ${text}, expected full or embedded`,
  );
}
