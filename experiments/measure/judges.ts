/** The networks and references of metrics, opened when first asked for and kept. */
import { modelFolder } from "@dip-go/core/hub";
import type { Device } from "@dip-go/core/runtime";
import {
  type ContrastivePair,
  type InceptionFeatures,
  type Lpips,
  openContrastivePair,
  openInceptionFeatures,
  openLpips,
} from "@dip-go/eval/metrics";
import {
  openPictureFeatures,
  type PictureFeatures,
} from "@dip-go/zoo/classifiers";
import type { MetricRecord } from "../schema/metric_records.ts";
import type { SampledSet } from "./sampled_sets.ts";

type LpipsRecord = Extract<MetricRecord, { kind: "lpips" }>;

/** Opens the networks of metrics once, and keeps values for them. Hold it with `await using`. */
export class Judges implements AsyncDisposable {
  readonly #opened = new Map<string, Promise<unknown>>();
  readonly #held = new AsyncDisposableStack();
  readonly #seen = new WeakMap<SampledSet, Map<string, Promise<unknown>>>();

  constructor(private readonly device: Device) {}

  /** A `CLIPModel` by its folder, or its name on the hub. */
  pair(model: string): Promise<ContrastivePair> {
    return this.#open(
      `pair ${model}`,
      async (options) => openContrastivePair(await modelFolder(model), options),
    );
  }

  /** Inception by its checkpoint. */
  inception(weights: string): Promise<InceptionFeatures> {
    return this.#open(
      `inception ${weights}`,
      (options) => openInceptionFeatures(weights, options),
    );
  }

  /** An embedded classifier by its folder. */
  classifier(folder: string): Promise<PictureFeatures> {
    return this.#open(
      `classifier ${folder}`,
      (options) => openPictureFeatures(folder, options),
    );
  }

  /** LPIPS by its network and its two files of weights. */
  lpips({ net, backbone, weights: linear }: LpipsRecord): Promise<Lpips> {
    const name = `lpips ${net} ${backbone} ${linear}`;
    return this.#open(
      name,
      (options) => openLpips(net, { backbone, linear, ...options }),
    );
  }

  /** The value of `make`, made once for each name. */
  once<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
    return this.#opened.getOrInsertComputed(name, make) as Promise<Value>;
  }

  /** The value of `make` for a set of pictures, made once for each name while the set is held. */
  seenIn<Value>(
    pictures: SampledSet,
    name: string,
    make: () => Promise<Value>,
  ): Promise<Value> {
    const known = this.#seen.getOrInsertComputed(pictures, () => new Map());
    return known.getOrInsertComputed(name, make) as Promise<Value>;
  }

  #open<Value extends AsyncDisposable>(
    name: string,
    open: (options: { device: Device }) => Value | Promise<Value>,
  ): Promise<Value> {
    const options = { device: this.device };
    return this.once(name, async () => this.#held.use(await open(options)));
  }

  /** Closes the opened networks. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}
