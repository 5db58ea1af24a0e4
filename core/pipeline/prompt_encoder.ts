/** Prompts to what a Stable Diffusion pipeline's network reads: the text tower's last features. */
import { joined } from "../batch.ts";
import { clipTextGraph } from "../models/clip.ts";
import { loadClipText } from "../models/clip_load.ts";
import {
  openSession,
  type Session,
  type SessionOptions,
} from "../runtime/session.ts";
import type { Tensor } from "../tensor.ts";
import { loadTokenizer, type TextTokenizer } from "../text/tokenizer.ts";

/** A pipeline's tokenizer and text tower. Hold it with `await using`, or close it. */
export class PromptEncoder implements AsyncDisposable {
  readonly #tokenizer: TextTokenizer;
  readonly #tower: Session;

  /** @internal Use {@linkcode openPromptEncoder}. */
  constructor(tokenizer: TextTokenizer, tower: Session) {
    this.#tokenizer = tokenizer;
    this.#tower = tower;
  }

  /** S, of every prompt. */
  get tokens(): number {
    return this.#tokenizer.length;
  }

  /** Features `[B, S, D]` of B prompts, one after another. */
  async encode(prompts: readonly string[]): Promise<Tensor<"float32">> {
    const features: Tensor<"float32">[] = [];
    for (const prompt of prompts) {
      const { ids } = this.#tokenizer.encode([prompt]);
      const { last_hidden_state } = await this.#tower.run({ input_ids: ids });
      features.push(last_hidden_state as Tensor<"float32">);
    }
    return joined(features);
  }

  /** Releases the runtime's memory. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#tower.close();
  }
}

/**
 * Opens a pipeline's text tower.
 *
 * @param folder A pipeline with `tokenizer/` and `text_encoder/`.
 * @throws As `loadTokenizer` and `loadComponent`.
 */
export async function openPromptEncoder(
  folder: string,
  options: SessionOptions = {},
): Promise<PromptEncoder> {
  const tokenizer = await loadTokenizer(`${folder}/tokenizer`);
  const { config, weights } = await loadClipText(`${folder}/text_encoder`);
  const graph = clipTextGraph(config, weights, {
    batch: 1,
    tokens: tokenizer.length,
    outputs: ["last_hidden_state"],
  });
  return new PromptEncoder(tokenizer, await openSession(graph, options));
}
