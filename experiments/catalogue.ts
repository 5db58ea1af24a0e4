/** The experiments that `deno task experiment` knows: a file each, listed here. */
import type { Experiment } from "./experiment.ts";
import quickstart from "./quickstart.ts";
import quickstartSd from "./quickstart_sd.ts";

/** In the order of `--list`. */
export const experiments: readonly Experiment[] = [quickstart, quickstartSd];

/** @throws {RangeError} If there is no experiment of that name. */
export function experimentNamed(name: string): Experiment {
  const experiment = experiments.find((each) => each.name === name);
  if (experiment) return experiment;
  throw new RangeError(
    `Cannot find experiment "${name}", expected one of ${
      experiments.map((each) => each.name).join(", ")
    }`,
  );
}
