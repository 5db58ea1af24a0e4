/** What a run works with: the experiment's model at every batch size and number of steps that it needs. */
import {
  blockGraphOf,
  type LoadedFamily,
  loadModel,
  ofFamily,
} from "../core/models/load.ts";
import { ownScheduler } from "../core/pipeline/own_scheduler.ts";
import { TorchGenerator } from "../core/random.ts";
import { type Device, manySessions } from "../core/runtime/session.ts";
import { makeSampler } from "../core/samplers/make_sampler.ts";
import type { Sampler } from "../core/samplers/sampler.ts";
import type { SchedulerConfig } from "../core/samplers/scheduler_config.ts";
import {
  calibrate,
  type CalibrationBatch,
  drawBatch,
  type SamplingSetup,
} from "../pruner/calibration.ts";
import { openSubNet, type SubNet } from "../supernet/fused_sub_net.ts";
import type { Gates } from "../supernet/gates.ts";
import { denseMacs, macsBudget, subNetMacs } from "../supernet/liveness.ts";
import { SubNetRunner } from "../supernet/sub_net.ts";
import { type SuperNet, superNet } from "../supernet/super_net.ts";
import {
  openTrainingForm,
  type TrainingForm,
} from "../supernet/training_form.ts";
import type { Experiment } from "./experiment.ts";
import type { SampledPlan } from "./method.ts";

/** How much is sampled at once, and in how many steps. */
export interface SampleSize {
  readonly images: number;
  /** As the sampler counts them; it may call the model more often. */
  readonly steps: number;
}

/** Hold it with `await using`: sessions are opened when first asked for, and kept. */
export class Bench implements AsyncDisposable {
  /** One image's dense trajectory. */
  readonly denseMacs: number;
  /** The units of one image's SuperNet, for counting. */
  readonly net: SuperNet;
  readonly #runners = new Map<string, SubNetRunner>();
  #form: Promise<TrainingForm> | undefined;
  #calibration: Promise<readonly CalibrationBatch[]> | undefined;

  /** @internal Use {@linkcode openBench}. */
  constructor(
    readonly experiment: Experiment,
    readonly model: LoadedFamily<"dit">,
    private readonly scheduler: SchedulerConfig,
    private readonly device: Device,
  ) {
    const { steps } = experiment.sampler;
    this.net = this.superNet({ images: 1, steps });
    this.denseMacs = this.macs({ kind: "steps", steps });
  }

  /** The SuperNet for so many guided images. */
  superNet({ images, steps }: SampleSize): SuperNet {
    const options = { ...this.experiment.superNet, batch: 2 * images };
    return superNet(blockGraphOf(this.model, options), {
      steps: this.calls(steps),
    });
  }

  /** Model calls of the experiment's sampler at a number of steps. */
  calls(steps: number): number {
    return this.sampler(steps).steps.length;
  }

  /** The experiment's sampler at a number of steps. */
  sampler(steps: number): Sampler {
    const { kind } = this.experiment.sampler;
    return makeSampler(this.scheduler, {
      ...kind === "own" ? {} : { kind },
      steps,
    });
  }

  /** Sampler and guidance at a number of steps. */
  setup(steps: number): SamplingSetup {
    return {
      sampler: this.sampler(steps),
      guidanceScale: this.experiment.sampler.guidanceScale,
      classes: this.model.config.classes,
    };
  }

  /** Sessions of the SuperNet for so many images. */
  runner(size: SampleSize): SubNetRunner {
    const key = `${size.images},${size.steps}`;
    const known = this.#runners.get(key);
    if (known) return known;
    const runner = new SubNetRunner(this.superNet(size), {
      ...manySessions,
      device: this.device,
    });
    this.#runners.set(key, runner);
    return runner;
  }

  /** One SubNet for so many images; the caller closes it. */
  subNet(size: SampleSize, gates: Gates): Promise<SubNet> {
    return openSubNet(this.runner(size), gates, {
      ...manySessions,
      device: this.device,
    });
  }

  /** The training form at the search's batch. */
  form(): Promise<TrainingForm> {
    const { search: { batch: images }, sampler: { steps } } = this.experiment;
    return this.#form ??= openTrainingForm(this.superNet({ images, steps }), {
      ...manySessions,
      device: this.device,
    });
  }

  /** The batches that searches work on. */
  calibration(): Promise<readonly CalibrationBatch[]> {
    return this.#calibration ??= this.#calibrate();
  }

  async #calibrate(): Promise<CalibrationBatch[]> {
    const { search, sampler: { steps }, seed } = this.experiment;
    const runner = this.runner({ images: search.batch, steps });
    const random = new TorchGenerator(seed);
    const batches: CalibrationBatch[] = [];
    while (batches.length < search.calibration) {
      const batch = drawBatch(runner, this.setup(steps), random);
      batches.push(await calibrate(runner, this.setup(steps), batch));
    }
    return batches;
  }

  /** MACs (total convention) of one image. */
  macs(fitted: SampledPlan): number {
    if (fitted.kind === "gates") return subNetMacs(this.net, fitted.plan.gates);
    return denseMacs(this.net) / this.net.steps * this.calls(fitted.steps);
  }

  /** The most MACs that one image may take. */
  budget(sparsity: number): number {
    return macsBudget(this.denseMacs, sparsity);
  }

  /** Releases every session. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners.values()) await runner.close();
    const form = await this.#form?.catch(() => undefined);
    await form?.close();
  }
}

/**
 * Loads an experiment's model.
 *
 * @throws {TypeError} If the model is no DiT.
 * @throws {RangeError} If the model does not make pictures, or has no scheduler.
 */
export async function openBench(
  experiment: Experiment,
  { device }: { device: Device },
): Promise<Bench> {
  const model = ofFamily(
    await loadModel(experiment.model),
    "dit",
    `run experiment ${experiment.name}`,
  );
  const { inChannels } = model.config;
  if (inChannels !== 3) {
    throw new RangeError(
      `Cannot run experiment ${experiment.name}: ${experiment.model} has ${inChannels}-channel latents, expected 3 (an autoencoder is not supported yet)`,
    );
  }
  const scheduler = await ownScheduler(model, {
    task: `run experiment ${experiment.name}`,
    name: experiment.model,
  });
  return new Bench(experiment, model, scheduler, device);
}
