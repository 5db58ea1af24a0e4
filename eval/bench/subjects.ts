/** What the benchmarks sample with: the embedded model, and full-size DiT-XL/2 with random weights. */
import type { BlockGraph } from "../../core/models/block_graph.ts";
import { ditBlockGraph } from "../../core/models/dit.ts";
import { knownModels } from "../../core/models/known_models.ts";
import { blockGraphOf, loadModel, ofFamily } from "../../core/models/load.ts";
import { randomWeights } from "../../core/models/random_weights.ts";
import { ownScheduler } from "../../core/pipeline/own_scheduler.ts";
import { TorchGenerator } from "../../core/random.ts";
import { makeSampler } from "../../core/samplers/make_sampler.ts";
import {
  parseSchedulerConfig,
  type SchedulerConfig,
} from "../../core/samplers/scheduler_config.ts";
import { guidedLabels } from "../../supernet/guidance.ts";
import type { SampleRequest } from "../../supernet/sampling_loop.ts";
import { type SuperNet, superNet } from "../../supernet/super_net.ts";

/** Units of every benchmark: attention and MLP of each block, held as what they add. */
const units = { granularity: "sublayer", backup: "residual" } as const;

/** A network over all steps, and what it is fed. */
export interface Subject {
  readonly net: SuperNet;
  readonly request: Omit<SampleRequest, "gates" | "forecast" | "observe">;
}

/** How much is sampled at once, in how many steps of its sampler. */
export interface SubjectSize {
  readonly images: number;
  readonly steps: number;
}

/** Noise and classes are fixed: which ones does not matter for speed and memory. */
export function subjectOf(
  graph: BlockGraph,
  { scheduler, classes, steps }: {
    scheduler: SchedulerConfig;
    /** The null class of guidance has this index. */
    classes: number;
    steps: number;
  },
): Subject {
  const [{ shape }] = graph.inputs;
  const images = shape[0] / 2;
  const labels = Array.from({ length: images }, (_, i) => i % classes);
  const sampler = makeSampler(scheduler, { steps });
  return {
    net: superNet(graph, { steps: sampler.steps.length }),
    request: {
      latents: new TorchGenerator(0).randn(shape.with(0, images)),
      conditioning: { class_labels: guidedLabels(labels, classes) },
      sampler,
      guidanceScale: 2,
    },
  };
}

/** DiT-XL/2 at 256x256 pixels, 675 M random weights (2.7 GB), with its published scheduler's settings. */
export function ditXl({ images, steps }: SubjectSize): Subject {
  const { config } = knownModels["dit-xl-2-256"];
  const graph = ditBlockGraph(config, randomWeights(0), {
    ...units,
    batch: 2 * images,
  });
  const scheduler = parseSchedulerConfig({
    _class_name: "DDIMScheduler",
    beta_schedule: "linear",
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
  }, "dit-xl-2-256");
  return subjectOf(graph, { scheduler, classes: config.classes, steps });
}

/**
 * A model folder with a scheduler.
 *
 * @throws {TypeError} If the model is no DiT.
 * @throws {RangeError} If the folder has no scheduler.
 */
export async function modelFolder(
  folder: string,
  { images, steps }: SubjectSize,
): Promise<Subject> {
  const model = ofFamily(await loadModel(folder), "dit", `bench ${folder}`);
  const scheduler = await ownScheduler(model, { task: `bench ${folder}` });
  const graph = blockGraphOf(model, { ...units, batch: 2 * images });
  return subjectOf(graph, { scheduler, classes: model.config.classes, steps });
}
