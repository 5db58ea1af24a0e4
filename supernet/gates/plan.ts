/** What a search hands over: everything that makes a full sampler a SubNet. */
import type { Forecast } from "./forecast.ts";
import type { Gates } from "./gates.ts";

export interface SubNetPlan {
  readonly gates: Gates;
  /** How held predictions are combined; held as they are by default. */
  readonly forecast?: Forecast;
}
