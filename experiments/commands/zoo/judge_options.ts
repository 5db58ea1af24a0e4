/** Options of the commands that judge samples. */
import type { OptionSource } from "../options/option_values.ts";

/** @throws {TypeError} Always: the argument is unknown. */
export function refuseArgument(argument: string): never {
  throw new TypeError(
    `Cannot judge: argument ${argument} is unknown; see --help`,
  );
}

/** Where an option's value comes from. */
export const judgeOption = (
  options: Readonly<Record<string, unknown>>,
  name: string,
): OptionSource => ({
  refusal: "Cannot judge",
  name,
  text: options[name] as string | undefined,
});
