/** Sets of pictures that lie in shards, a step each. */
import { firstOf } from "@dip-go/core/tensor";
import type { Step } from "../../engine/step.ts";
import type { StepStore } from "../../engine/store/step_store.ts";
import type { SampledBatch, SampledSet } from "../../measure/sampled_sets.ts";

/** Sets that are remembered: a row's and the full model's, which metrics look at one after another. */
const keptSets = 2;

/** Sets of pictures that lie in shards; the last ones stay the same objects, so that what was seen in them can be kept. */
export class SampledSets {
  #kept: { readonly key: string; readonly set: SampledSet }[] = [];

  /** @param pairs How many pictures a set has; its last shard may hold more. */
  constructor(
    private readonly store: StepStore,
    private readonly pairs: number,
  ) {}

  /** The set of the evaluation's pairs, once its shards are made. */
  of(samples: readonly Step<SampledBatch>[]): SampledSet {
    const [{ key }] = samples;
    const kept = this.#kept.find((each) => each.key === key) ??
      { key, set: this.#inShards(samples) };
    const others = this.#kept.filter((each) => each !== kept);
    this.#kept = [kept, ...others].slice(0, keptSets);
    return kept.set;
  }

  #inShards(samples: readonly Step<SampledBatch>[]): SampledSet {
    const { store, pairs } = this;
    return {
      count: pairs,
      async *batches() {
        let left = pairs;
        for (const sample of samples) {
          const { images, latents } = await store.read(sample);
          yield {
            images: firstOf(images, left),
            ...latents ? { latents: firstOf(latents, left) } : {},
          };
          left -= images.shape[0];
        }
      },
    };
  }
}
