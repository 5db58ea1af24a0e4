/** The conditioning of pictures: classes that a DiT knows, or prompts that a text-to-image pipeline reads. */
import { joined } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { classLabels } from "./guidance.ts";
import type { LoadedPipeline } from "./loaded_pipeline.ts";
import { guidanceInputs } from "./prompts/guidance_embedding.ts";
import type {
  PromptEncoder,
  PromptInputs,
  PromptRequest,
} from "./prompts/prompt_encoder.ts";

/** A class's index, or a prompt. */
export type Subject = number | string;

/** Makes a model's inputs other than latents and timestep. Hold it with `await using`. */
export interface Conditioner extends AsyncDisposable {
  /**
   * Makes the inputs of B samples; if guided of 2B, the negative half last.
   *
   * @param negatives The negative prompt of each sample; if undefined, the pipeline's unconditional inputs, which need not be the empty text's.
   * @param scales A guidance scale for each sample, for a network that reads it; the sampler's by default.
   * @throws {TypeError} If the model draws no such subjects, or reads no negative prompts.
   * @throws {RangeError} If the model has no such class.
   */
  conditioning(
    subjects: readonly Subject[],
    negatives?: readonly (string | undefined)[],
    scales?: readonly number[],
  ): Promise<Record<string, Tensor>>;
}

/** The parts of a sampler that the conditioning depends on. */
export interface ConditionerRequest
  extends Pick<PromptRequest, "size" | "options"> {
  /** The guidance scale of all pictures, for a network that reads it. */
  readonly guidanceScale: number;
  /** Whether the inputs are for both halves of guidance. */
  readonly guided: boolean;
}

/** Opens a pipeline's conditioner. @throws As `loadTokenizer` and `loadComponent`. */
export async function openConditioner(
  { folder, model, kind, checkpoint, sessions }: LoadedPipeline,
  { guided, guidanceScale, ...asked }: ConditionerRequest,
): Promise<Conditioner> {
  if (model.family === "dit") {
    return classConditioner(folder, { classes: model.config.classes, guided });
  }
  if (!kind.prompts) {
    throw new TypeError(
      `Cannot encode prompts for ${folder}: the text encoders of a ${model.family} are not known here`,
    );
  }
  const request = { ...asked, network: model, checkpoint, sessions };
  const encoder = await kind.prompts.open(folder, request);
  return promptConditioner(folder, encoder, { model, guided, guidanceScale });
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
    // deno-lint-ignore require-await -- async so that errors reject the promise
    async conditioning(subjects, negatives = []) {
      const negative = negatives.find((text) => text !== undefined);
      if (negative !== undefined) {
        throw new TypeError(
          `Cannot sample ${folder}: it is a DiT, which reads no text; found the negative prompt "${negative}"`,
        );
      }
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
  { model, guided, guidanceScale }:
    & Pick<LoadedPipeline, "model">
    & Pick<ConditionerRequest, "guided" | "guidanceScale">,
): Conditioner {
  const promptOf = (subject: Subject): string => {
    if (typeof subject === "string") return subject;
    throw new TypeError(
      `Cannot sample ${folder}: it draws what a text says; found class ${subject}, expected a prompt`,
    );
  };
  const encoded = new Map<string | undefined, Promise<PromptInputs>>();
  const negativeOf = (text: string | undefined) =>
    text === undefined ? encoder.unconditional() : encoder.encodeNegative(text);
  return {
    async conditioning(subjects, negatives = [], scales) {
      const prompts = subjects.map(promptOf);
      const rows: PromptInputs[] = [];
      for (const prompt of prompts) rows.push(await encoder.encode(prompt));
      if (guided) {
        for (const i of prompts.keys()) {
          const made = encoded.getOrInsertComputed(negatives[i], negativeOf);
          rows.push(await made);
        }
      }
      const encodings = Object.fromEntries(
        Object.keys(rows[0])
          .map((name) => [name, joined(rows.map((row) => row[name]))]),
      );
      const own = scales ?? subjects.map(() => guidanceScale);
      const scaled = guidanceInputs(model, guided ? [...own, ...own] : own);
      return { ...encodings, ...scaled };
    },
    [Symbol.asyncDispose]: () => encoder[Symbol.asyncDispose](),
  };
}
