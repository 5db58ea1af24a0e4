/** The sampler of an experiment, made by its model's pipeline. */
import type { Pipeline, PipelineSampler } from "@dip-go/core";
import type { Experiment } from "./experiment.ts";

/** The sampler that an experiment prunes. @throws As `Pipeline.sampler`. */
export function experimentSampler(
  pipeline: Pipeline,
  { sampler: { kind, ...sampler }, superNet }: Pick<
    Experiment,
    "sampler" | "superNet"
  >,
): PipelineSampler {
  const own = kind === "own" ? undefined : kind;
  return pipeline.sampler({ ...superNet, ...sampler, kind: own });
}
