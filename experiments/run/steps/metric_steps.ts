/** The steps that measure sampled pictures, one a metric, so that another metric runs alone. */
import type { RowFit } from "./fit_step.ts";
import type { RowMetrics } from "../../results/measured_row.ts";
import { isPaired } from "../../schema/metric_records.ts";
import { hasPlan, type SampleStep } from "./sample_steps.ts";
import { type Step, step } from "../../engine/step.ts";
import type { StepTools } from "./step_tools.ts";

/** What a metric gave, and the commit of this repository that measured it. */
export interface MetricValues {
  readonly metrics: RowMetrics;
  readonly commit?: string;
}

/** What is measured. */
export interface SampledPictures {
  /** As in file names. */
  readonly name: string;
  readonly samples: readonly SampleStep[];
  /** The plan that the pictures were sampled with; none is the full model's. */
  readonly fit?: Step<RowFit>;
}

/** A step for each of the experiment's metrics; without the full model's pictures, for those that do not compare with them. */
export function metricSteps(
  tools: StepTools,
  pictures: SampledPictures,
  full?: readonly SampleStep[],
): Step<MetricValues>[] {
  return tools.identity.experiment.metrics.flatMap((record, i) =>
    isPaired(record)
      ? full ? [metricStep(tools, pictures, { record: i, full })] : []
      : [metricStep(tools, pictures, { record: i })]
  );
}

function metricStep(
  tools: StepTools,
  { name, samples, fit }: SampledPictures,
  { record: i, full }: { record: number; full?: readonly SampleStep[] },
): Step<MetricValues> {
  const { identity: { experiment, inputs }, provenance: { commit } } = tools;
  const { metrics: { [i]: record }, evaluation: { pairs } } = experiment;
  return step({
    kind: "metric",
    name: `${record.kind} of ${name}`,
    reads: { record, files: inputs.metrics[i], pairs },
    after: [...samples, ...full ?? []],
    cost: pairs,
    applies: async () => !fit || await hasPlan(tools.store, fit),
    make: async () => ({
      metrics: await tools.meters.measureRecord(record, {
        pictures: tools.sets.of(samples),
        subjects: tools.sampler.pairs.slice(0, pairs)
          .map(({ subject }) => subject),
        ...full ? { full: tools.sets.of(full) } : {},
      }),
      ...commit ? { commit } : {},
    }),
  });
}
