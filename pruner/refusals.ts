/** Reasons why a method has no plan of a sampler at any budget. */
import { hasResidual } from "@dip-go/core/models";
import { addsNoise } from "@dip-go/core/samplers";
import type { Method } from "./method.ts";
import { addsToStreams } from "./units.ts";

type Refusal = NonNullable<Method["refusal"]>;

/** The refusal of samplers without guidance, for methods that leave out the unconditional half. */
export const unguided: Refusal = ({ net }) =>
  net.conditional ? undefined : "the sampler has no guidance to stop";

/** The refusal of units that hold their outputs, for methods that hold residuals. */
export const withoutStreams: Refusal = ({ net }) =>
  addsToStreams(net)
    ? undefined
    : "the units hold their outputs, not what they add to a stream";

/** The refusal of units that have no residual, for methods that ask for what units add whatever their backups hold. */
export const withoutResiduals: Refusal = ({ net: { blocks } }) => {
  const unit = blocks.find((each) => each.block.gated && !hasResidual(each));
  return unit &&
    `the unit ${unit.block.name} has no input of its output's shape, so that it adds nothing to hold`;
};

/** The refusal of samplers that add noise, for methods whose trajectories must follow from their starts. */
export const noisy: Refusal = ({ sampler }) =>
  addsNoise(sampler)
    ? `${sampler.name} adds noise at its steps, and only a deterministic sampler is learned (ddim's eta is 0 by default)`
    : undefined;
