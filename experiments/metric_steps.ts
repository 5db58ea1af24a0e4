/** The steps that measure sampled pictures, one a metric, so that another metric runs alone. */
import type { Tensor } from "../core/tensor.ts";
import { fidelity, ownMetrics } from "./evaluate.ts";
import type { PairMetrics } from "./measured_row.ts";
import type { RowFit } from "./fit_step.ts";
import { hasPlan, type SampleStep } from "./sample_steps.ts";
import { type Step, step } from "./step.ts";
import { jsonFormat } from "./step_format.ts";
import type { StepTools } from "./step_tools.ts";

/** What a metric gave, and the commit of this repository that measured it. */
export interface MetricValues {
  readonly metrics: PairMetrics;
  readonly commit?: string;
}

/** What is measured. */
export interface MeasuredPictures {
  /** As in file names. */
  readonly name: string;
  readonly samples: readonly SampleStep[];
  /** The plan that the pictures were sampled with; none is the full model's. */
  readonly fit?: Step<RowFit>;
}

/** Metrics of a row beside the full model's pictures, and of its own. */
export function rowMetricSteps(
  tools: StepTools,
  row: MeasuredPictures,
  full: readonly SampleStep[],
): Step<MetricValues>[] {
  return [
    metricStep(tools, row, {
      metric: "fidelity",
      reads: {},
      others: full,
      measure: async (images) => fidelity(images, await tools.images.of(full)),
    }),
    ...ownMetricSteps(tools, row),
  ];
}

/** Metrics of pictures that need no others. */
export function ownMetricSteps(
  tools: StepTools,
  pictures: MeasuredPictures,
): Step<MetricValues>[] {
  const { inputs: { contrastivePair, prompts } } = tools.identity;
  if (contrastivePair === undefined) return [];
  return [
    metricStep(tools, pictures, {
      metric: "prompt",
      reads: { contrastivePair, prompts: prompts?.evaluation },
      others: [],
      measure: (images) =>
        ownMetrics(
          tools.bench,
          images,
          tools.sampler.pairs.slice(0, images.shape[0]),
        ),
    }),
  ];
}

function metricStep(
  tools: StepTools,
  { name, samples, fit }: MeasuredPictures,
  { metric, reads, others, measure }: {
    metric: string;
    reads: Record<string, unknown>;
    others: readonly SampleStep[];
    measure: (images: Tensor<"float32">) => Promise<PairMetrics>;
  },
): Step<MetricValues> {
  const { store, images, identity, provenance: { commit } } = tools;
  const { pairs } = identity.experiment.evaluation;
  return step({
    kind: "metric",
    name: `${metric} of ${name}`,
    reads: { metric, ...reads, pairs },
    after: [...samples, ...others],
    format: jsonFormat<MetricValues>(),
    cost: pairs,
    applies: async () => !fit || await hasPlan(store, fit),
    make: async () => ({
      metrics: await measure(await images.of(samples)),
      ...commit ? { commit } : {},
    }),
  });
}
