/** Measures pictures by the records of an experiment. */
import type { PictureSize } from "@dip-go/core/pipeline";
import type { Device } from "@dip-go/core/runtime";
import { type Tensor, zeros } from "@dip-go/core/tensor";
import {
  clipScores,
  meanSquaredErrors,
  pairedMetrics,
  promptAccuracy,
} from "@dip-go/eval/metrics";
import { Judges } from "./judges.ts";
import type { RowMetrics } from "../results/measured_row.ts";
import {
  isPaired,
  metricNames,
  type MetricRecord,
  type PictureRecord,
  referenceSteps,
} from "../schema/metric_records.ts";
import {
  type SampledBatch,
  type SampledSet,
  sideBySide,
} from "./sampled_sets.ts";
import { measureSet } from "./set_meters.ts";

type Images = Tensor<"float32">;

/** The pictures that are measured, and those they are compared with. */
export interface MeasuredPictures {
  /** The n pictures to measure. */
  readonly pictures: SampledSet;
  /** The prompts or classes of the n pictures. */
  readonly subjects: readonly (string | number)[];
  /** The full model's pictures from the same noise, in the record's steps; absent if `pictures` are the same. */
  readonly full?: SampledSet;
}

/** Measures pictures by records; networks are opened when first needed. Hold it with `await using`. */
export class Meters implements AsyncDisposable {
  readonly #judges: Judges;

  constructor(
    private readonly records: readonly MetricRecord[],
    { device }: { device: Device },
  ) {
    this.#judges = new Judges(device);
  }

  /**
   * Opens the networks that the records name, and shows them a picture of the size that will be sampled.
   *
   * @throws {Error} If a network cannot be opened or takes no such picture; the message has the record's index.
   */
  async rehearse({ height, width }: PictureSize): Promise<void> {
    const blank = zeros([1, 3, height, width]);
    const judges = this.#judges;
    for (const [i, record] of this.records.entries()) {
      try {
        if (record.kind === "lpips") {
          await (await judges.lpips(record)).distances(blank, blank);
        } else if ("classifier" in record) {
          await (await judges.classifier(record.classifier)).of(blank);
        } else if ("weights" in record) {
          await judges.inception(record.weights);
        } else if (isPromptRecord(record)) {
          await (await judges.pair(pairOf(record))).pictures(blank);
        }
      } catch (cause) {
        throw new Error(
          `Cannot measure metrics[${i}], ${record.kind}: ${
            (cause as Error).message
          }`,
          { cause },
        );
      }
    }
  }

  /**
   * The values of one of the records.
   *
   * @throws {Error} If the values cannot be measured; the message names the record's kind.
   */
  async measureRecord(
    record: PictureRecord,
    measured: MeasuredPictures,
  ): Promise<RowMetrics> {
    try {
      if ("reference" in record) {
        return await measureSet(record, measured, this.#judges);
      }
      const [name] = metricNames(record);
      const values = isPairRecord(record)
        ? await this.#pairValues(record, measured)
        : await promptValues(record, measured, this.#judges);
      return { [name]: values };
    } catch (cause) {
      throw new Error(
        `Cannot measure ${record.kind}: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** The values of a record that compares pairs; all records of one reference are measured in one pass over the batches. */
  async #pairValues(
    record: PairRecord,
    { pictures, full }: MeasuredPictures,
  ): Promise<readonly number[]> {
    const judges = this.#judges;
    const steps = referenceSteps(record);
    const records = this.records.filter(isPairRecord)
      .filter((each) => referenceSteps(each) === steps);
    const seen = `pairs ${steps ?? ""}`;
    const measured = await judges.seenIn(pictures, seen, async () => {
      const values = new Map<string, Promise<readonly number[]>[]>();
      for await (const batches of sideBySide(pictures, full!)) {
        for (const each of records) {
          const found = batchValues(each, batches, judges);
          await found.catch(() => {}); // thrown where the record's own values are awaited
          values.getOrInsertComputed(each.kind, () => []).push(found);
        }
      }
      return values;
    });
    return (await Promise.all(measured.get(record.kind)!)).flat();
  }

  /** Closes the opened networks. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#judges[Symbol.asyncDispose]();
  }
}

type PairRecord = Exclude<
  PictureRecord,
  PromptRecord | { reference: string }
>;

/** Whether a record compares each picture with the full model's picture of the same noise. */
const isPairRecord = (record: MetricRecord): record is PairRecord =>
  isPaired(record) && !("reference" in record);

/** A value for each pair of pictures in a batch. */
async function batchValues(
  record: PairRecord,
  [own, full]: readonly [SampledBatch, SampledBatch],
  judges: Judges,
): Promise<readonly number[]> {
  switch (record.kind) {
    case "psnr":
    case "ssim":
      return pairedMetrics[record.kind](own.images, full.images);
    case "latent-mse":
      return meanSquaredErrors(latentsOf(own), latentsOf(full));
    case "lpips": {
      const lpips = await judges.lpips(record);
      return await lpips.distances(own.images, full.images);
    }
  }
}

function latentsOf({ images, latents }: SampledBatch): Images {
  if (latents) return latents;
  throw new TypeError(
    `Cannot compare latents: the pictures [${images.shape}] have none, expected a model of a latent space`,
  );
}

type PromptRecord = Extract<
  MetricRecord,
  { kind: "clip-score" } | { pair: string }
>;

const isPromptRecord = (record: MetricRecord): record is PromptRecord =>
  "pair" in record || record.kind === "clip-score";

const pairOf = (record: PromptRecord): string =>
  "pair" in record ? record.pair : record.model;

async function promptValues(
  record: PromptRecord,
  { pictures, subjects }: MeasuredPictures,
  judges: Judges,
): Promise<number[]> {
  const model = pairOf(record);
  const pair = await judges.pair(model);
  const prompts = subjects.map(String);
  const texts = await judges.once(
    `${model}: ${prompts.join("\n")}`,
    () => pair.texts(prompts),
  );
  const seen = await judges.seenIn(pictures, model, async () => {
    const features: Float32Array[] = [];
    for await (const { images } of pictures.batches()) {
      features.push(...await pair.pictures(images));
    }
    return features;
  });
  return record.kind === "prompt-accuracy"
    ? promptAccuracy(seen, texts)
    : clipScores(seen, texts);
}
