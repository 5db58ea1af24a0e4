/** Sets of pictures whose latents lie in shards, a step each; they are decoded when they are read. */
import { firstOf, type Tensor } from "@dip-go/core/tensor";
import type { Step } from "../../engine/step.ts";
import type { StepStore } from "../../engine/store/step_store.ts";
import type { Bench } from "../bench.ts";
import type { SampledBatch, SampledSet } from "../../measure/sampled_sets.ts";

type Images = Tensor<"float32">;

/** The number of sets that are kept: a row's and the full model's, which all metrics read in turn. */
const keptSets = 2;

/** The bytes of decoded shards that are kept. */
const keptBytes = 1 << 28;

/** Sets of pictures in shards; the last sets stay the same objects, so that metrics can keep their features. */
export class SampledSets {
  #kept: { readonly key: string; readonly set: SampledSet }[] = [];
  readonly #decoded = new Map<string, Images>();

  /** @param pairs The number of pictures in a set; its last shard may hold more. */
  constructor(
    private readonly store: StepStore,
    private readonly pairs: number,
    private readonly decoder: () => Promise<
      Pick<Bench, "drawsPixels" | "pictures">
    >,
  ) {}

  /** The set of the evaluation's pairs, once its shards are made. */
  of(samples: readonly Step<Images>[]): SampledSet {
    const [{ key }] = samples;
    const kept = this.#kept.find((each) => each.key === key) ?? {
      key,
      set: { count: this.pairs, batches: () => this.#batches(samples) },
    };
    const others = this.#kept.filter((each) => each !== kept);
    this.#kept = [kept, ...others].slice(0, keptSets);
    return kept.set;
  }

  async *#batches(
    samples: readonly Step<Images>[],
  ): AsyncGenerator<SampledBatch> {
    const { drawsPixels } = await this.decoder();
    let left = this.pairs;
    for (const sample of samples) {
      const latents = await this.store.read(sample);
      const images = drawsPixels
        ? latents
        : await this.#pictures(sample.key, latents);
      yield {
        images: firstOf(images, left),
        ...drawsPixels ? {} : { latents: firstOf(latents, left) },
      };
      left -= latents.shape[0];
    }
  }

  /** The pictures of a shard, decoded in the batch that was sampled; the last shards' pictures are kept. */
  async #pictures(key: string, latents: Images): Promise<Images> {
    const decoded = this.#decoded;
    const images = decoded.get(key) ??
      await (await this.decoder()).pictures(latents);
    decoded.delete(key);
    decoded.set(key, images);
    while (decoded.size > Math.max(2, keptBytes / images.data.byteLength)) {
      decoded.delete(decoded.keys().next().value!);
    }
    return images;
  }
}
