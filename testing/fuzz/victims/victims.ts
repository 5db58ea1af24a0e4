/** All victims of fuzzing, by name. */
import { networks } from "./networks.ts";
import { pictures } from "./pictures.ts";
import { schedulers } from "./schedulers.ts";
import { texts } from "./texts.ts";
import type { Victim } from "./victim.ts";
import { weights } from "./weights.ts";

export const victims: Readonly<Record<string, Victim>> = {
  ...networks,
  ...weights,
  ...schedulers,
  ...texts,
  ...pictures,
};
