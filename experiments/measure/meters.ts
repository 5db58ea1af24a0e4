/** Measures pictures by the records of an experiment. */
import type { Device } from "@dip-go/core/runtime";
import type { Tensor } from "@dip-go/core/tensor";
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
} from "../schema/metric_records.ts";
import {
  type SampledBatch,
  type SampledSet,
  sideBySide,
} from "./sampled_sets.ts";
import { measureSet } from "./set_meters.ts";

type Images = Tensor<"float32">;

/** What is measured. */
export interface MeasuredPictures {
  /** n of them. */
  readonly pictures: SampledSet;
  /** What they are of, n. */
  readonly subjects: readonly (string | number)[];
  /** The full model's from the same noise; none where they are the full model's. */
  readonly full?: SampledSet;
}

/** Measures by records; networks are opened when first needed. Hold it with `await using`. */
export class Meters implements AsyncDisposable {
  readonly #judges: Judges;

  constructor(
    private readonly records: readonly MetricRecord[],
    { device }: { device: Device },
  ) {
    this.#judges = new Judges(device);
  }

  /** The values of every record, in their order; without the full model's pictures those of the records that do not compare with them. */
  async measure(measured: MeasuredPictures): Promise<RowMetrics> {
    const values: RowMetrics[] = [];
    for (const record of this.records) {
      if (!measured.full && isPaired(record)) continue;
      values.push(await this.measureRecord(record, measured));
    }
    return Object.assign({}, ...values);
  }

  /**
   * The values of one record.
   *
   * @throws {Error} If they cannot be measured; the message names the record's kind.
   */
  async measureRecord(
    record: MetricRecord,
    measured: MeasuredPictures,
  ): Promise<RowMetrics> {
    try {
      if ("reference" in record) {
        return await measureSet(record, measured, this.#judges);
      }
      const [name] = metricNames(record);
      return { [name]: await perPicture(record, measured, this.#judges) };
    } catch (cause) {
      throw new Error(
        `Cannot measure ${record.kind}: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** Closes what was opened. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#judges[Symbol.asyncDispose]();
  }
}

/** A value a picture, in the order of the pairs. */
function perPicture(
  record: Exclude<MetricRecord, { reference: string }>,
  measured: MeasuredPictures,
  judges: Judges,
): Promise<readonly number[]> {
  switch (record.kind) {
    case "clip-score":
    case "clip-score (shapes)":
    case "prompt-accuracy":
      return promptValues(record, measured, judges);
    default:
      return pairValues(record, measured, judges);
  }
}

type PairRecord = Exclude<
  MetricRecord,
  PromptRecord | { reference: string }
>;

/** What compares with the full model's pictures, batch by batch. */
async function pairValues(
  record: PairRecord,
  { pictures, full }: MeasuredPictures,
  judges: Judges,
): Promise<number[]> {
  const values: number[] = [];
  for await (const batches of sideBySide(pictures, full!)) {
    values.push(...await batchValues(record, batches, judges));
  }
  return values;
}

/** A value a pair of pictures. */
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

async function promptValues(
  record: PromptRecord,
  { pictures, subjects }: MeasuredPictures,
  judges: Judges,
): Promise<number[]> {
  const model = "pair" in record ? record.pair : record.model;
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
