/** A CLIP text tower with its tokenizer: one prompt at a time to the features asked for. */
import { clipTextGraph } from "../../models/clip/clip.ts";
import { loadClipText } from "../../models/clip/clip_load.ts";
import { openSession } from "../../runtime/session.ts";
import type { SessionOptions } from "../../runtime/session_options.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { loadTokenizer } from "../../text/tokenizer.ts";

/** Hold it with `await using`. */
export interface TextTower extends AsyncDisposable {
  /** S, of every prompt. */
  readonly tokens: number;
  /** The features of a prompt by name, batch 1. */
  features(prompt: string): Promise<Record<string, Tensor>>;
}

/** What of a pipeline makes a tower, and what it is asked for. */
export interface TowerParts extends SessionOptions {
  /** Folder of the tower within the pipeline's. */
  readonly encoder: string;
  /** Folder of its tokenizer within the pipeline's. */
  readonly tokenizer: string;
  /** The file of its weights, if not in its folder. */
  readonly checkpoint?: string;
  /** S; the tokenizer's own by default. */
  readonly length?: number;
  /** Names of features, as `clipTextGraph` knows them. */
  readonly outputs: readonly string[];
}

/** @throws As `loadTokenizer`, `loadComponent` and `clipTextGraph`. */
export async function openTextTower(
  folder: string,
  { encoder, tokenizer: vocabulary, length, checkpoint, outputs, ...options }:
    TowerParts,
): Promise<TextTower> {
  const { config, weights } = await loadClipText(`${folder}/${encoder}`, {
    weights: checkpoint,
    projects: outputs.includes("embeds"),
  });
  const tokenizer = await loadTokenizer(`${folder}/${vocabulary}`, {
    length,
    vocabulary: config.vocabulary,
  });
  const graph = clipTextGraph(config, weights, {
    batch: 1,
    tokens: tokenizer.length,
    outputs,
  });
  const session = await openSession(graph, options);
  return {
    tokens: tokenizer.length,
    features: (prompt) =>
      session.run({ input_ids: tokenizer.encode([prompt]).ids }),
    [Symbol.asyncDispose]: () => session.close(),
  };
}
