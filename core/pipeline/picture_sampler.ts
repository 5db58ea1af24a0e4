/** Draws pictures of classes or prompts: conditioning, start, final latents, and in a latent space decoding. */
import { TorchGenerator } from "../tensor/random.ts";
import { firstOf, unstacked } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Conditioner, Subject } from "./conditioner.ts";
import { joinedInputs } from "./joined_inputs.ts";
import type { PictureDecoder } from "./picture_decoder.ts";
import type {
  LatentSampler,
  ObservedStep,
  SamplingInputs,
} from "./sampling_loop.ts";
import type { StartDrawer } from "./start/starting_latents.ts";

/** Options of a drawing. */
export interface DrawOptions {
  /** The seed of the noise of all pictures, as in `torch.manual_seed`, or one for each; 0 by default. */
  readonly seed?: number | readonly number[];
  /** The text that guidance leads away from, or one for each picture, in a model that reads text; none by default. */
  readonly negativePrompt?: string | readonly string[];
  /** A guidance scale for all pictures or for each; the sampler's decides whether the network runs once or twice. */
  readonly guidanceScale?: number | readonly number[];
  /** The most pictures in a batch; all by default. The last of several batches is filled up with the first subjects. */
  readonly batch?: number;
  /** Whether nothing is drawn afterwards: the network closes before the last decoding. False by default. */
  readonly once?: boolean;
  /** Ends the drawing before its next step. */
  readonly signal?: AbortSignal;
  /** Called at each step of each batch. */
  readonly progress?: (done: number, total: number) => void;
  /** Called at each step of each batch, with the step's tensors if the sampler is the full one. */
  readonly observe?: (step: ObservedStep) => void;
}

/** The pictures that inputs are made for. */
export interface DrawnInputs {
  readonly images: number;
  readonly random: TorchGenerator;
  /** The start of sampling; noise by default. */
  readonly start?: StartDrawer;
  /** The indices of the pictures among all that are drawn. */
  readonly places?: readonly number[];
  /** A guidance scale for each picture, if they are not the sampler's. */
  readonly scales?: readonly number[];
}

/** The members of a pipeline's sampler that drawing needs. */
export interface DrawnFrom {
  readonly calls: number;
  openConditioner(): Promise<Conditioner>;
  openDecoder(): Promise<PictureDecoder | null>;
  prepareStart(): Promise<StartDrawer>;
  inputs(
    conditioning: SamplingInputs["conditioning"],
    options: DrawnInputs,
  ): SamplingInputs;
}

/**
 * Draws pictures with sessions that stay open: the network's for the last size
 * of batch, and the decoder's. Text encoders are in memory only while they
 * encode. Calls at the same time take turns. Hold it with `await using`.
 *
 * @example
 * ```ts
 * import { loadPipeline } from "@dip-go/core";
 * import { assertNotEquals } from "@std/assert";
 *
 * const pipeline = await loadPipeline("zoo/models/dit-shapes");
 * await using full = pipeline.sampler({ steps: 2 }).open();
 * const [first] = await full.sample(7, { seed: 0 });
 * const [second] = await full.sample(7, { seed: 1 });
 * assertNotEquals(first, second);
 * ```
 */
export class PictureSampler implements AsyncDisposable {
  #opened: { images: number; sampler: LatentSampler } | undefined;
  #decoder: Promise<PictureDecoder | null> | undefined;
  #start: Promise<StartDrawer> | undefined;
  /** The end of the network's work so far. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /**
   * @internal Use `openSubNet`, or {@linkcode PipelineSampler.open}.
   * @param calls The number of steps that are observed.
   */
  constructor(
    private readonly from: DrawnFrom,
    private readonly open: (images: number) => Promise<LatentSampler>,
    private readonly calls = from.calls,
  ) {}

  /**
   * Draws pictures of subjects, in order: RGB `[3, H, W]` in about [-1, 1].
   *
   * @param subjects A class or a prompt, or several.
   * @throws {TypeError} If the model draws no such subjects.
   * @throws {RangeError} If the model has no such class, a list of options has another length, a scale of guidance is negative or not finite, or the batch is no whole number.
   * @throws {Error} If the sampler is closed, or the drawing is ended by its signal, whose reason it is.
   */
  sample(
    subjects: Subject | readonly Subject[],
    options?: DrawOptions,
  ): Promise<Tensor<"float32">[]> {
    return Array.fromAsync(this.draw(subjects, options));
  }

  /** Draws pictures as `sample` does, yielded batch by batch. @throws As {@linkcode PictureSampler.sample}. */
  async *draw(
    subjects: Subject | readonly Subject[],
    options?: DrawOptions,
  ): AsyncGenerator<Tensor<"float32">> {
    for await (const latents of this.latents(subjects, options)) {
      yield* unstacked(await this.decode(latents));
    }
  }

  /** Samples the final latents of each batch, `[B, C, H, W]`. @throws As {@linkcode PictureSampler.sample}. */
  async *latents(
    subjects: Subject | readonly Subject[],
    options: DrawOptions = {},
  ): AsyncGenerator<Tensor<"float32">> {
    const { seed = 0, batch, negativePrompt, guidanceScale } = options;
    const { once, signal, progress, observe } = options;
    const wanted = [subjects].flat();
    const images = imagesOf(wanted, batch);
    const batches = batchesOf(wanted.length, images);
    const seeds = forEach(wanted, seed, "seeds");
    const negatives = forEach(wanted, negativePrompt, "negative prompts");
    const scales = forEach(wanted, guidanceScale, "scales of guidance");
    [guidanceScale ?? []].flat().forEach(checkScale);
    signal?.throwIfAborted();
    const scalesOf = (places: readonly number[]) =>
      guidanceScale === undefined ? undefined : places.map((i) => scales[i]!);
    const encoded = await this.#encoded(batches.map((batch) => ({
      subjects: batch.map((i) => wanted[i]),
      negatives: batch.map((i) => negatives[i]),
      scales: scalesOf(batch),
    })));
    this.#start ??= this.from.prepareStart();
    const start = await this.#start;
    const inputsOf = (
      conditioning: SamplingInputs["conditioning"],
      places: readonly number[],
      random: TorchGenerator,
    ) => {
      const scales = scalesOf(places);
      const own = { images: places.length, random, start, places, scales };
      return this.from.inputs(conditioning, own);
    };
    const random = typeof seed === "number" && new TorchGenerator(seed);
    const total = batches.length * this.calls;
    let done = 0;
    for (const [b, conditioning] of encoded.entries()) {
      const places = batches[b];
      const inputs = random
        ? inputsOf(conditioning, places, random)
        : joinedInputs(
          places.map((i) =>
            inputsOf(conditioning, [i], new TorchGenerator(seeds[i]!))
          ),
          conditioning,
        );
      const latents = await this.#inTurn(async () => {
        signal?.throwIfAborted();
        const sampler = await this.#sampler(images);
        const sampled = await sampler.sample({
          ...inputs,
          observe(step) {
            signal?.throwIfAborted();
            progress?.(++done, total);
            observe?.(step);
          },
        });
        if (once && b === batches.length - 1) await this.#closeNetwork();
        return sampled;
      });
      yield firstOf(latents, wanted.length - b * images);
    }
  }

  /** Decodes final latents to pictures `[B, 3, H, W]`. @throws As `loadComponent`. */
  async decode(latents: Tensor<"float32">): Promise<Tensor<"float32">> {
    this.#decoder ??= this.from.openDecoder();
    return await (await this.#decoder)?.decode(latents) ?? latents;
  }

  /** The conditioning of every batch; equal batches are encoded once. */
  async #encoded(
    batches: readonly DrawnBatch[],
  ): Promise<SamplingInputs["conditioning"][]> {
    await using conditioner = await this.from.openConditioner();
    const encode = ({ subjects, negatives, scales }: DrawnBatch) =>
      conditioner.conditioning(subjects, negatives, scales);
    const encoded = new Map<string, ReturnType<typeof encode>>();
    return await Array.fromAsync(
      batches,
      (batch) =>
        encoded.getOrInsertComputed(JSON.stringify(batch), () => encode(batch)),
    );
  }

  /** Does work on the network after all that was asked for before. */
  #inTurn<Made>(work: () => Promise<Made>): Promise<Made> {
    const made = this.#turn.then(work);
    this.#turn = made.catch(() => {});
    return made;
  }

  async #sampler(images: number): Promise<LatentSampler> {
    if (this.#closed) {
      throw new Error(
        "Cannot draw: the sampler is closed, expected an open one",
      );
    }
    if (this.#opened?.images === images) return this.#opened.sampler;
    await this.#closeNetwork();
    const sampler = await this.open(images);
    this.#opened = { images, sampler };
    return sampler;
  }

  async #closeNetwork(): Promise<void> {
    await this.#opened?.sampler[Symbol.asyncDispose]();
    this.#opened = undefined;
  }

  /** Closes the sessions, after the calls that wait for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inTurn(() => {
      this.#closed = true;
      return this.#closeNetwork();
    });
    const decoder = await this.#decoder?.catch(() => null);
    await decoder?.[Symbol.asyncDispose]();
  }
}

/** The pictures of each batch. @throws {RangeError} If the most of a batch is no whole number. */
function imagesOf({ length }: readonly Subject[], most = length): number {
  if (length === 0 || Number.isSafeInteger(most) && most > 0) {
    return Math.min(length, most);
  }
  throw new RangeError(
    `Cannot draw in batches of ${most}, expected a whole number from 1`,
  );
}

/** @throws {RangeError} If a picture's scale is negative or not finite. */
function checkScale(scale: number, picture: number): void {
  if (Number.isFinite(scale) && scale >= 0) return;
  throw new RangeError(
    `Cannot draw: guidanceScale[${picture}] is ${scale}, expected a number from 0`,
  );
}

/** Splits the indices of subjects into batches of one size; the last is filled up with the first indices. */
const batchesOf = (subjects: number, size: number): number[][] =>
  Array.from(
    { length: Math.ceil(subjects / size) },
    (_, b) => Array.from({ length: size }, (_, i) => (b * size + i) % subjects),
  );

/** The subjects of a batch, and each one's negative prompt and guidance scale. */
interface DrawnBatch {
  readonly subjects: readonly Subject[];
  readonly negatives: readonly (string | undefined)[];
  readonly scales?: readonly number[];
}

/** A value for each picture, from one value or a list. @throws {RangeError} If a list has another length. */
function forEach<T extends string | number>(
  { length }: readonly Subject[],
  value: T | readonly T[] | undefined,
  what: string,
): readonly (T | undefined)[] {
  if (typeof value !== "object") return Array(length).fill(value);
  if (value.length === length) return value;
  throw new RangeError(
    `Cannot draw ${length} pictures: found ${value.length} ${what}, expected one, or one for each`,
  );
}
