/** What pictures are of: classes that a DiT knows, or prompts that a text-to-image pipeline reads. */
import type { LoadedModel } from "../models/load.ts";
import type { SessionOptions } from "../runtime/session_options.ts";
import { joined } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { classLabels } from "./guidance.ts";
import { openPromptEncoder } from "./prompts/open_prompt_encoder.ts";
import type { PromptEncoder, PromptInputs } from "./prompts/prompt_encoder.ts";

/** A class's index, or a prompt. */
export type Subject = number | string;

/** Makes a model's inputs besides latents and timestep. Hold it with `await using`. */
export interface Conditioner extends AsyncDisposable {
  /** Text tokens of a sample, in a model that reads text. */
  readonly tokens?: number;
  /**
   * The inputs of B samples; of guided ones batch 2B, the half that guidance leads away from last.
   *
   * @throws {TypeError} If the model draws no such subjects.
   * @throws {RangeError} If it has no such class.
   */
  conditioning(subjects: readonly Subject[]): Promise<Record<string, Tensor>>;
}

/** What of a sampler its conditioning depends on. */
export interface ConditionerOptions {
  /** Whether the inputs are for both halves of guidance; true by default. */
  readonly guided?: boolean;
  /** What guidance leads away from, in a model that reads text; empty by default. */
  readonly negativePrompt?: string;
}

/**
 * Opens what makes a model's conditioning.
 *
 * @param folder The model's, named in errors.
 * @throws As `openPromptEncoder`.
 */
export async function openConditioner(
  model: LoadedModel,
  folder: string,
  { guided = true, negativePrompt = "", ...options }:
    & SessionOptions
    & ConditionerOptions = {},
): Promise<Conditioner> {
  if (model.family === "dit") {
    return classConditioner(folder, { classes: model.config.classes, guided });
  }
  const encoder = await openPromptEncoder(folder, model, options);
  return promptConditioner(folder, encoder, { guided, negativePrompt });
}

function classConditioner(
  folder: string,
  { classes, guided }: { classes: number; guided: boolean },
): Conditioner {
  const labelOf = (subject: Subject): number => {
    if (typeof subject === "string") {
      throw new TypeError(
        `Cannot sample ${folder}: it is a DiT, which draws classes; found the prompt "${subject}", expected a class`,
      );
    }
    if (Number.isInteger(subject) && subject >= 0 && subject < classes) {
      return subject;
    }
    throw new RangeError(
      `Cannot sample ${folder}: class ${subject} is not one of its ${classes}, expected 0 to ${
        classes - 1
      }`,
    );
  };
  return {
    // deno-lint-ignore require-await -- async so that what it refuses rejects
    async conditioning(subjects) {
      const labels = subjects.map(labelOf);
      const options = { guided, nullClass: classes };
      return { class_labels: classLabels(labels, options) };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function promptConditioner(
  folder: string,
  encoder: PromptEncoder,
  { guided, negativePrompt }: Required<ConditionerOptions>,
): Conditioner {
  const promptOf = (subject: Subject): string => {
    if (typeof subject === "string") return subject;
    throw new TypeError(
      `Cannot sample ${folder}: it draws what a text says; found class ${subject}, expected a prompt`,
    );
  };
  let encodedNegative: Promise<PromptInputs> | undefined;
  const encodeNegative = () =>
    encodedNegative ??= negativePrompt === ""
      ? encoder.unconditional()
      : encoder.encode(negativePrompt);
  return {
    tokens: encoder.tokens,
    async conditioning(subjects) {
      const prompts = subjects.map(promptOf);
      const rows: PromptInputs[] = [];
      for (const prompt of prompts) rows.push(await encoder.encode(prompt));
      if (guided) {
        const negative = await encodeNegative();
        for (const _ of prompts) rows.push(negative);
      }
      return Object.fromEntries(
        Object.keys(rows[0])
          .map((name) => [name, joined(rows.map((row) => row[name]))]),
      );
    },
    [Symbol.asyncDispose]: () => encoder[Symbol.asyncDispose](),
  };
}
