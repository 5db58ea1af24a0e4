/** The steps that measure sampled pictures, one a metric, so that another metric runs alone. */
import type { RowFit } from "./search/fit_step.ts";
import type { RowMetrics } from "../../results/measured_row.ts";
import { isPaired } from "../../schema/metric_records.ts";
import { fileSize } from "./file_size.ts";
import { modelReads } from "./step_reads.ts";
import { hasPlan, madePlan, type SampleStep } from "./sample_steps.ts";
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
  { name, samples, fit }: SampledPictures,
  full?: readonly SampleStep[],
): Step<MetricValues>[] {
  const { identity, provenance: { commit }, store, meters, sets } = tools;
  const { experiment, inputs } = identity;
  const { metrics, evaluation: { pairs } } = experiment;
  return metrics.flatMap((record, i) => {
    if (record.kind === "file-size") return fileStep(tools, { name, fit });
    if (isPaired(record) && !full) return [];
    const others = isPaired(record) ? full : undefined;
    return step<MetricValues>({
      kind: "metric",
      name: `${record.kind} of ${name}`,
      reads: { record, files: inputs.metrics[i], pairs },
      after: [...samples, ...others ?? []],
      cost: pairs,
      memory: tools.memory.measuring,
      applies: () => hasPlan(store, fit),
      async make() {
        const sampler = await tools.sampler();
        const values = await meters.measureRecord(record, {
          pictures: sets.of(samples),
          subjects: sampler.pairs.slice(0, pairs)
            .map(({ subject }) => subject),
          ...others ? { full: sets.of(others) } : {},
        });
        return { metrics: values, ...commit ? { commit } : {} };
      },
    });
  });
}

/** A step for the size of the file that a plan is exported to. */
const fileStep = (
  tools: StepTools,
  { name, fit }: Pick<SampledPictures, "name" | "fit">,
): Step<MetricValues> =>
  step({
    kind: "metric",
    name: `file of ${name}`,
    reads: { ...modelReads(tools.identity), metric: "file-size" },
    after: fit ? [fit] : [],
    cost: 0,
    memory: tools.memory.sampling,
    applies: () => hasPlan(tools.store, fit),
    async make() {
      const bench = await tools.bench();
      return { metrics: await fileSize(bench, await madePlan(tools, fit)) };
    },
  });
