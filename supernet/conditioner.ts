/** What pictures are of: classes that a DiT knows, or prompts that a text-to-image pipeline reads. */
import { joined } from "../core/batch.ts";
import type { LoadedModel } from "../core/models/load.ts";
import {
  openPromptEncoder,
  type PromptEncoder,
} from "../core/pipeline/prompt_encoder.ts";
import type { SessionOptions } from "../core/runtime/session.ts";
import type { Tensor } from "../core/tensor.ts";
import { guidedLabels } from "./guidance.ts";

/** A class's index, or a prompt. */
export type Subject = number | string;

/** Makes a model's inputs besides latents and timestep. Hold it with `await using`. */
export interface Conditioner extends AsyncDisposable {
  /** Text tokens of a sample, in a model that reads text. */
  readonly tokens?: number;
  /**
   * The inputs of B guided samples: batch 2B, the half that guidance leads away from last.
   *
   * @throws {TypeError} If the model draws no such subjects.
   * @throws {RangeError} If it has no such class.
   */
  conditioning(subjects: readonly Subject[]): Promise<Record<string, Tensor>>;
}

/**
 * Opens what makes a model's conditioning.
 *
 * @param folder The model's, named in errors.
 * @param options.negativePrompt What guidance leads away from, in a model that reads text.
 * @throws {TypeError} If the model reads more than classes or one text tower's features.
 * @throws As `openPromptEncoder`.
 */
export async function openConditioner(
  model: LoadedModel,
  folder: string,
  { negativePrompt = "", ...options }: SessionOptions & {
    negativePrompt?: string;
  } = {},
): Promise<Conditioner> {
  if (model.family === "dit") {
    return new ClassConditioner(folder, model.config.classes);
  }
  if (model.family === "pixart") {
    throw new TypeError(
      `Cannot sample ${folder}: it is a PixArt, which reads a text through T5, which is not done here yet`,
    );
  }
  if (model.config.added) {
    throw new TypeError(
      `Cannot sample ${folder}: its UNet reads pooled text and sizes too (SDXL), which are not made here yet`,
    );
  }
  const encoder = await openPromptEncoder(folder, options);
  return new PromptConditioner(folder, encoder, negativePrompt);
}

class ClassConditioner implements Conditioner {
  constructor(
    private readonly folder: string,
    private readonly classes: number,
  ) {}

  conditioning(subjects: readonly Subject[]): Promise<Record<string, Tensor>> {
    const labels = subjects.map((subject) => this.#label(subject));
    const class_labels = guidedLabels(labels, this.classes);
    return Promise.resolve({ class_labels });
  }

  #label(subject: Subject): number {
    const { folder, classes } = this;
    if (typeof subject === "string") {
      throw new TypeError(
        `Cannot sample ${folder}: it is a DiT, which draws classes; expected --class, not --prompt`,
      );
    }
    if (subject < classes) return subject;
    throw new RangeError(
      `Cannot sample ${folder}: class ${subject} is not one of its ${classes}, expected 0 to ${
        classes - 1
      }`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

class PromptConditioner implements Conditioner {
  readonly tokens: number;
  #negative: Promise<Tensor<"float32">> | undefined;

  constructor(
    private readonly folder: string,
    private readonly encoder: PromptEncoder,
    private readonly negativePrompt: string,
  ) {
    this.tokens = encoder.tokens;
  }

  async conditioning(
    subjects: readonly Subject[],
  ): Promise<Record<string, Tensor>> {
    const prompts = subjects.map((subject) => this.#prompt(subject));
    const features = await this.encoder.encode(prompts);
    const negative = await this.#negativeFeatures();
    const encoder_hidden_states = joined([
      features,
      joined(prompts.map(() => negative)),
    ]);
    return { encoder_hidden_states };
  }

  #prompt(subject: Subject): string {
    if (typeof subject === "string") return subject;
    throw new TypeError(
      `Cannot sample ${this.folder}: it draws what a text says; expected --prompt, not --class`,
    );
  }

  #negativeFeatures(): Promise<Tensor<"float32">> {
    return this.#negative ??= this.encoder.encode([this.negativePrompt]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.encoder[Symbol.asyncDispose]();
  }
}
