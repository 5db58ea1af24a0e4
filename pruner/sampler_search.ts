/** A pipeline's sampler as methods work on it: one SuperNet, its sessions and its calibration batches serve all targets. */
import {
  emitPictures,
  openConditioner,
  type PipelineSampler,
  type Subject,
} from "@dip-go/core/pipeline";
import { superNetOf } from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { openTrainingForm, type TrainingForm } from "@dip-go/supernet/training";
import {
  type CalibrationBatch,
  drawCalibration,
  subjectAt,
} from "./calibration.ts";
import type { MethodContext, SearchPlace } from "./method.ts";
import type { SearchSettings } from "./search_settings.ts";

/** What a search reads besides the sampler. */
export interface SamplerSearchOptions {
  readonly search: SearchSettings;
  /** Of noise, and of everything random in a fit. */
  readonly seed: number;
  /** What pictures are of, in turn; classes drawn at random by default. */
  readonly subjects?: readonly Subject[];
  /** Of each block for one picture; MACs by default. */
  readonly costs?: readonly number[];
}

/** Hold it with `await using`: sessions are opened when first asked for, in float32. */
export class SamplerSearch implements AsyncDisposable {
  readonly #runner: SubNetRunner;
  #form: Promise<TrainingForm> | undefined;
  #calibration: Promise<CalibrationBatch[]> | undefined;
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(
    private readonly sampler: PipelineSampler,
    private readonly options: SamplerSearchOptions,
  ) {
    const { search: { batch: images }, costs } = options;
    const net = superNetOf(sampler, { images, costs });
    this.#runner = new SubNetRunner(net, this.#sessions);
  }

  get #sessions() {
    const { device, threads } = this.sampler.pipeline.sessions;
    return { device, threads };
  }

  /** What a method may work with, for the last of ascending targets. */
  async context(
    sparsity: readonly number[],
    progress: MethodContext["progress"] = () => {},
  ): Promise<MethodContext> {
    const { sampler, options: { search, seed } } = this;
    const autoencoder = await sampler.pipeline.autoencoder();
    return {
      net: this.#runner.net,
      runner: this.#runner,
      decode: autoencoder
        ? (g, latents) => emitPictures(g, latents, autoencoder)
        : undefined,
      search,
      sparsity,
      seed,
      calls: (steps) => sampler.withSteps(steps).calls,
      form: () =>
        this.#form ??= openTrainingForm(this.#runner.net, this.#sessions),
      calibration: () => this.#calibration ??= this.#calibrate(),
      progress,
      once: (name, make, reads = { search, sparsity }) =>
        this.#once(`${name} ${JSON.stringify(reads)}`, make),
    };
  }

  #once<Value>(
    key: string,
    make: (place: SearchPlace) => Promise<Value>,
  ): Promise<Value> {
    const made = this.#made.get(key) ?? make({});
    this.#made.set(key, made);
    return made as Promise<Value>;
  }

  async #calibrate(): Promise<CalibrationBatch[]> {
    const { sampler, options } = this;
    const { pipeline: { model, folder }, guidanceScale } = sampler;
    const { search: { calibration: count }, seed, subjects } = options;
    await using conditioner = await openConditioner(
      model,
      folder,
      this.#sessions,
    );
    return await drawCalibration(this.#runner, {
      sampler: sampler.sampler,
      guidanceScale,
      count,
      seed,
      subject: (i, random) => subjectAt(i, { model, list: subjects, random }),
      conditioning: (subjects) => conditioner.conditioning(subjects),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner.close();
    await (await this.#form)?.close();
  }
}
