/** Why some methods have no plan of a sampler, at whatever budget. */
import type { Method } from "./method.ts";
import { addsToStreams } from "./units.ts";

type Refusal = NonNullable<Method["refusal"]>;

/** Of methods that leave out the unconditional half. */
export const unguided: Refusal = ({ net }) =>
  net.conditional ? undefined : "the sampler has no guidance to stop";

/** Of methods that hold what units add to a stream. */
export const withoutStreams: Refusal = ({ net }) =>
  addsToStreams(net)
    ? undefined
    : "the units hold their outputs, not what they add to a stream";

/** Of methods that learn from whole trajectories, which the start has to decide. */
export const noisy: Refusal = ({ sampler: { name, steps } }) =>
  steps.some(({ noise }) => noise !== 0)
    ? `${name} adds noise at its steps, and only a deterministic sampler is learned (ddim's eta is 0 by default)`
    : undefined;
