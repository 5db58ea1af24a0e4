/** The steps that measure sampled pictures, one for each metric, so that an added metric runs alone. */
import type { RowFit } from "./search/fit_step.ts";
import type { RowMetrics } from "../../results/measured_row.ts";
import { isPaired, referenceSteps } from "../../schema/metric_records.ts";
import { fileSize } from "./file_size.ts";
import { modelReads } from "./step_reads.ts";
import { hasPlan, madePlan, type SampleStep } from "./sample_steps.ts";
import { type Step, step } from "../../engine/step.ts";
import type { StepTools } from "./step_tools.ts";

/** The values of a metric, and the commit of this repository that measured them. */
export interface MetricValues {
  readonly metrics: RowMetrics;
  readonly commit?: string;
}

/** The sampled pictures that metrics measure. */
export interface SampledPictures {
  /** The row's name in file names. */
  readonly name: string;
  readonly samples: readonly SampleStep[];
  /** The fit of the plan that the pictures were sampled with; absent for the full model. */
  readonly fit?: Step<RowFit>;
}

/** The full model's pictures that metrics compare with, by the number of steps; `undefined` is the experiment's. */
export type References = ReadonlyMap<number | undefined, readonly SampleStep[]>;

/** A step for each metric of the experiment; for those that compare pictures with others, if these are among `references`. */
export function metricSteps(
  tools: StepTools,
  { name, samples, fit }: SampledPictures,
  references: References,
): Step<MetricValues>[] {
  const { identity, provenance: { commit }, store, meters, sets } = tools;
  const { experiment, inputs } = identity;
  const { metrics, evaluation: { pairs } } = experiment;
  return metrics.flatMap((record, i) => {
    if (record.kind === "file-size") return fileStep(tools, { name, fit });
    const others = isPaired(record)
      ? references.get(referenceSteps(record))
      : undefined;
    if (isPaired(record) && !others) return [];
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
