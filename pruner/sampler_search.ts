/** Contexts of methods for a pipeline's sampler; one SuperNet, its sessions and calibration serve all targets. */
import {
  type Conditioner,
  emitPictures,
  latentsShape,
  type PipelineSampler,
  refuseRescale,
  type SamplingInputs,
  type Subject,
} from "@dip-go/core/pipeline";
import { type BlockCosts, superNetOf } from "@dip-go/supernet/gates";
import { SubNetRunner } from "@dip-go/supernet/sampling";
import { solverNetworks, SolverSessions } from "@dip-go/supernet/solver";
import { openTrainingForm, type TrainingForm } from "@dip-go/supernet/training";
import {
  calibrate,
  type CalibrationBatch,
  drawStarts,
  subjectAt,
} from "./calibration.ts";
import type { DecodePictures } from "./network/consistency_loss.ts";
import type { MethodContext, SearchPlace } from "./method.ts";
import { keptPart } from "./kept_part.ts";
import {
  atSteps,
  sharedSteps,
  type Teacher,
  teacherBatch,
  type TeacherSettings,
  type Trajectories,
} from "./search/learned_solver/teacher.ts";
import type { SearchSettings } from "./search_settings.ts";

/** Everything that a search reads besides the sampler. */
export interface SamplerSearchOptions {
  readonly search: SearchSettings;
  /** The seed of noise and of everything random in a fit. */
  readonly seed: number;
  /** Subjects of the calibration pictures, in turn; classes drawn at random by default. */
  readonly subjects?: readonly Subject[];
  /** The costs of blocks for one picture; MACs by default. */
  readonly costs?: BlockCosts;
  /** A folder that keeps parts of the search for later ones. */
  readonly keptIn?: string;
  /** Float32 sessions of the SuperNet at the search's batch, closed by the caller; its own by default. */
  readonly runner?: SubNetRunner;
  /** The sampler's conditioner, closed by the caller; its own by default. */
  readonly conditioner?: Conditioner;
}

/**
 * Makes contexts of methods; float32 sessions open when asked for. Hold it with `await using`.
 *
 * @example A method that samples nothing
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadPipeline } from "@dip-go/core";
 * import { classSearch } from "@dip-go/pruner";
 * import { fitTarget, methodNamed, SamplerSearch } from "@dip-go/pruner/methods";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * const sampler = pipeline.sampler({ steps: 10 });
 * const options = { search: classSearch, seed: 0 };
 * await using search = new SamplerSearch(sampler, options);
 * const context = search.context([0.5]);
 * const fitted = await fitTarget(methodNamed("fewer-steps"), context);
 * assertEquals(fitted, { kind: "steps", steps: 5 });
 * ```
 */
export class SamplerSearch implements AsyncDisposable {
  readonly #opened = new AsyncDisposableStack();
  /** Sessions of the SuperNet. */
  readonly runner: SubNetRunner;
  /** The values made so far, by name. */
  readonly #made = new Map<string, unknown>();

  constructor(
    private readonly sampler: PipelineSampler,
    private readonly options: SamplerSearchOptions,
  ) {
    const { search: { batch: images }, costs, runner } = options;
    this.runner = runner ?? this.#opened.use(
      new SubNetRunner(superNetOf(sampler, { images, costs }), this.#sessions),
    );
  }

  get #sessions() {
    const { device, threads } = this.sampler.pipeline.sessions;
    return { device, threads };
  }

  /** Returns the value of a name, made when first asked for. */
  #held<Value>(name: string, make: () => Value): Value {
    return this.#made.getOrInsertComputed(name, make) as Value;
  }

  /** Makes the context of a method for the last of ascending targets. */
  context(
    sparsity: readonly number[],
    progress: MethodContext["progress"] = () => {},
  ): MethodContext {
    const { sampler, options: { search, seed } } = this;
    return {
      net: this.runner.net,
      sampler: sampler.sampler,
      runner: this.runner,
      search,
      sparsity,
      seed,
      withSteps: (steps, solver) => sampler.withSteps(steps, solver).sampler,
      trainedNoise: () => sampler.trainedNoise,
      trajectories: (steps, solver) =>
        this.#sampled(sampler.withSteps(steps, solver), search.calibration),
      decode: () => this.#decode(),
      form: () => this.#held("form", () => this.#openForm()),
      calibration: () =>
        this.#held("calibration", () => this.calibrationFrom(0)),
      solver: () => Promise.resolve(this.#solver),
      teacher: ({ pairs, teacher }) =>
        this.#held(
          `teacher ${pairs} ${teacher?.steps ?? ""}`,
          () => this.#teach({ pairs, teacher }, progress),
        ),
      progress,
      once: ({ name, reads }, make) => {
        const key = `${name} ${JSON.stringify(reads)}`;
        return this.#held(key, () => this.#kept(key, make));
      },
    };
  }

  /** Returns the value of `make`, or the one that an earlier search kept in the folder. */
  #kept<Value>(
    key: string,
    make: (place: SearchPlace) => Promise<Value>,
  ): Promise<Value> {
    const { sampler, options: { keptIn, search, seed, subjects, costs } } =
      this;
    if (keptIn === undefined) return make({});
    const { pipeline, sampler: { name, steps }, ...settings } = sampler;
    const { inputs } = this.runner.net.model;
    const { batch, calibration } = search;
    const reads = [pipeline.name, pipeline.sessions, name, steps, settings];
    const texts = [sampler.clipSkip, inputs]; // not among the sampler's own fields
    const parts = [seed, subjects, batch, calibration, costs];
    return keptPart(keptIn, [...reads, ...texts, ...parts, key], make);
  }

  async #decode(): Promise<DecodePictures | undefined> {
    const autoencoder = await this.sampler.pipeline.autoencoder();
    if (!autoencoder) return undefined;
    return (g, latents) => emitPictures(g, latents, autoencoder);
  }

  async #openForm(): Promise<TrainingForm> {
    const form = await openTrainingForm(this.runner.net, this.#sessions);
    return this.#opened.use(form);
  }

  /** Draws `count` calibration batches anew from `first` on; by default all that the settings leave. */
  async calibrationFrom(
    first: number,
    count: number = this.options.search.calibration - first,
  ): Promise<CalibrationBatch[]> {
    return await Array.fromAsync(
      await this.starts(count, first),
      (inputs) => calibrate(this.runner, inputs),
    );
  }

  /** Draws the starts of `count` batches from `first` on. */
  async starts(count: number, first = 0): Promise<SamplingInputs[]> {
    const { sampler: full, options, runner: { net } } = this;
    const { pipeline, sampler, guidanceScale } = full;
    refuseRescale(full, `prune ${pipeline.name}`);
    const { seed, subjects: list, conditioner: lent } = options;
    await using own = lent ? undefined : await full.openConditioner();
    const conditioner = lent ?? own!;
    return await drawStarts(latentsShape(net.model, guidanceScale), {
      count,
      first,
      sampler,
      guidanceScale,
      seed,
      subject: (i, random) =>
        subjectAt(i, { model: pipeline.model, list, random }),
      conditioning: (subjects) => conditioner.conditioning(subjects),
    });
  }

  get #solver(): SolverSessions {
    return this.#held("solver", () => {
      const { batch } = this.options.search;
      const networks = solverNetworks(this.sampler, batch);
      return this.#opened.use(new SolverSessions(networks, this.#sessions));
    });
  }

  async #teach(
    { pairs, teacher }: TeacherSettings,
    progress: MethodContext["progress"],
  ): Promise<Teacher> {
    const { sampler: full, options: { search: { batch } } } = this;
    const { sampler, guidanceScale } = full;
    const count = Math.ceil(pairs / batch);
    const by = teacher ? full.withSteps(teacher.steps) : full;
    const shared = teacher && sharedSteps(sampler, by.sampler);
    const { batches } = await this.#sampled(by, count, progress, shared);
    return { sampler, guidanceScale, batches, isFine: teacher !== undefined };
  }

  /** Samples the first `count` batches by a sampler, and keeps some of its steps; all by default. */
  async #sampled(
    by: PipelineSampler,
    count: number,
    note: (done: number, total: number) => void = () => {},
    kept?: readonly number[],
  ): Promise<Trajectories> {
    const { sampler, guidanceScale } = by;
    const sessions = this.#solver;
    const starts = await this.starts(count);
    const batches = await Array.fromAsync(starts, async (inputs, i) => {
      const batch = await teacherBatch(sessions, by, inputs);
      note(i + 1, count);
      return kept ? atSteps(batch, kept) : batch;
    });
    return { sampler, guidanceScale, batches };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }
}
