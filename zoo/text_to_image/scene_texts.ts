/** The features of captions that the embedded SD3 reads, from its two frozen text towers. */
import { clipTextGraph, loadClipText } from "@dip-go/core/models";
import { openSession, type Session } from "@dip-go/core/runtime";
import { float32, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { captionLength } from "../data/scene_tokenizer.ts";
import { captionIds } from "./scenes_clip.ts";

/** Turns captions into features, a fixed number at a time. Hold it with `await using`, or close it. */
export class SceneTexts implements AsyncDisposable {
  /** @internal Use {@linkcode openSceneTexts}. */
  constructor(private readonly towers: readonly Session[]) {}

  /** `encoder_hidden_states` `[B, L + 1, E]`, with one zero row instead of T5's, and `pooled_projections` `[B, P]`. */
  async features(
    captions: readonly string[],
  ): Promise<
    Record<
      "encoder_hidden_states" | "pooled_projections",
      Tensor<"float32">
    >
  > {
    const feeds = { input_ids: captionIds(captions) };
    const read = [];
    for (const tower of this.towers) read.push(await tower.run(feeds));
    const words = sideBySide(read.map((own) => own["hidden_states.-2"]));
    const [batch, , width] = words.shape;
    const rows = new Float32Array(batch * (captionLength + 1) * width);
    const size = captionLength * width;
    for (let b = 0; b < batch; b++) {
      const own = words.data.subarray(b * size, (b + 1) * size);
      rows.set(own, b * (size + width));
    }
    return {
      encoder_hidden_states: float32([batch, captionLength + 1, width], rows),
      pooled_projections: sideBySide(read.map(({ embeds }) => embeds)),
    };
  }

  /** Releases the runtime's memory. */
  async close(): Promise<void> {
    for (const tower of this.towers) await tower.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Joins tensors of one shape along their last axis. */
function sideBySide(parts: readonly Tensor[]): Tensor<"float32"> {
  const [{ shape }] = parts;
  const [lead, width] = [shape.slice(0, -1), shape.at(-1)!];
  const whole = parts.length * width;
  const data = new Float32Array(sizeOf(lead) * whole);
  parts.forEach((part, i) => {
    const values = part.data as Float32Array;
    for (let row = 0; row < sizeOf(lead); row++) {
      const own = values.subarray(row * width, (row + 1) * width);
      data.set(own, row * whole + i * width);
    }
  });
  return float32([...lead, whole], data);
}

/**
 * Opens the two towers of a pipeline's folder.
 *
 * @param batch B, the number of captions at a time.
 * @throws The errors of `loadComponent`.
 */
export async function openSceneTexts(
  folder: string,
  batch: number,
): Promise<SceneTexts> {
  const towers: Session[] = [];
  for (const name of ["text_encoder", "text_encoder_2"]) {
    const { config, weights } = await loadClipText(`${folder}/${name}`);
    const outputs = ["hidden_states.-2", "embeds"];
    const graph = clipTextGraph(config, weights, { batch, outputs });
    towers.push(await openSession(graph, { threads: 1 })); // the other cores compute gradients
  }
  return new SceneTexts(towers);
}
