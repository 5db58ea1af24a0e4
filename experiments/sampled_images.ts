/** Pictures of shards that were sampled, put together. */
import { joined } from "../core/batch.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import type { Step } from "./step.ts";
import type { StepStore } from "./step_store.ts";

/** How many sets are kept: a row's and the full model's, which metrics look at one after another. */
const keptSets = 2;

/** Reads sets of pictures; the last ones are kept, so that what was seen in them can be. */
export class SampledImages {
  #kept: { readonly key: string; readonly images: Tensor<"float32"> }[] = [];

  /** @param pairs How many pictures a set has; its last shard may hold more. */
  constructor(
    private readonly store: StepStore,
    private readonly pairs: number,
  ) {}

  /** The pictures `[n, 3, H, W]` of the evaluation's pairs. */
  async of(
    samples: readonly Step<Tensor<"float32">>[],
  ): Promise<Tensor<"float32">> {
    const [{ key }] = samples;
    const kept = this.#kept.find((set) => set.key === key) ??
      { key, images: await this.#read(samples) };
    const others = this.#kept.filter((set) => set !== kept);
    this.#kept = [kept, ...others].slice(0, keptSets);
    return kept.images;
  }

  async #read(
    samples: readonly Step<Tensor<"float32">>[],
  ): Promise<Tensor<"float32">> {
    const shards: Tensor<"float32">[] = [];
    for (const sample of samples) shards.push(await this.store.read(sample));
    const { shape: [n, ...shape], data } = joined(shards);
    const length = data.length / n * this.pairs;
    return float32([this.pairs, ...shape], data.slice(0, length));
  }
}
