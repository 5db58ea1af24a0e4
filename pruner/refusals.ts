/** Why some methods have no plan of a sampler, at whatever budget. */
import type { SuperNet } from "@dip-go/supernet/gates";
import type { Method } from "./method.ts";

type Refusal = NonNullable<Method["refusal"]>;

/** Of methods that leave out the unconditional half. */
export const unguided: Refusal = ({ net }) =>
  net.conditional ? undefined : "the sampler has no guidance to stop";

/** Whether each unit holds what it adds to a residual stream. */
export const addsToStreams = ({ blocks }: SuperNet): boolean =>
  blocks.every(({ block }) => !block.gated || block.streams);

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
