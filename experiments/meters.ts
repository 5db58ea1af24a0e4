/** Measures pictures by the records of an experiment. */
import { unstacked } from "../core/batch.ts";
import { modelFolder } from "../core/hub/model_folder.ts";
import { parseModelName } from "../core/hub/model_name.ts";
import type { Device } from "../core/runtime/session.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import { clipScores } from "../eval/clip_score.ts";
import { promptAccuracy } from "../eval/prompt_accuracy.ts";
import { psnr } from "../eval/psnr.ts";
import { ssim } from "../eval/ssim.ts";
import type { Experiment } from "./experiment.ts";
import { Judges } from "./judges.ts";
import type { RowMetrics } from "./measured_row.ts";
import {
  isPaired,
  metricNames,
  metricPaths,
  type MetricRecord,
} from "./metric_records.ts";
import { measureSet } from "./set_meters.ts";

type Images = Tensor<"float32">;

/** What is measured. */
export interface MeasuredPictures {
  /** `[n, 3, H, W]` in [-1, 1]. */
  readonly images: Images;
  /** What they are of, n. */
  readonly subjects: readonly (string | number)[];
  /** The full model's from the same noise; none where they are the full model's. */
  readonly full?: Images;
}

/** PSNR of pictures that are equal, instead of infinity, which no mean survives. */
const psnrLimit = 100;

/** Of values in [-1, 1]. */
const dataRange = 2;

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
  async measure(pictures: MeasuredPictures): Promise<RowMetrics> {
    const values: RowMetrics[] = [];
    for (const record of this.records) {
      if (!pictures.full && isPaired(record)) continue;
      values.push(await this.measureRecord(record, pictures));
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
    pictures: MeasuredPictures,
  ): Promise<RowMetrics> {
    try {
      if ("reference" in record) {
        return await measureSet(record, pictures, this.#judges);
      }
      const [name] = metricNames(record);
      return { [name]: await perPicture(record, pictures, this.#judges) };
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

/**
 * A value a picture. SSIM pads with zeros ("same"), as the paper's loss does: at
 * 24 pixels, valid 11-pixel windows would hardly see the border.
 */
function perPicture(
  record: Exclude<MetricRecord, { reference: string }>,
  { images, subjects, full }: MeasuredPictures,
  judges: Judges,
): readonly number[] | Promise<readonly number[]> {
  switch (record.kind) {
    case "psnr":
      return psnr(images, full!, { dataRange })
        .map((value) => Math.min(value, psnrLimit));
    case "ssim":
      return ssim(images, full!, { dataRange, padding: "same_zero_pad" });
    case "lpips":
      return lpipsDistances(record, [images, full!], judges);
    case "clip-score":
    case "clip-score (shapes)":
    case "prompt-accuracy":
      return promptValues(record, { images, subjects }, judges);
  }
}

async function lpipsDistances(
  record: Extract<MetricRecord, { kind: "lpips" }>,
  [images, full]: readonly [Images, Images],
  judges: Judges,
): Promise<number[]> {
  const [, channels, height, width] = images.shape;
  const session = await judges.lpips(record, { height, width });
  const one = ({ data }: Images) => float32([1, channels, height, width], data);
  const references = unstacked(full);
  const values: number[] = [];
  for (const [i, image] of unstacked(images).entries()) {
    const pair = { x: one(image), y: one(references[i]) };
    const { distances } = await session.run(pair);
    values.push(Number(distances.data[0]));
  }
  return values;
}

type PromptRecord = Extract<
  MetricRecord,
  { kind: "clip-score" } | { pair: string }
>;

async function promptValues(
  record: PromptRecord,
  { images, subjects }: MeasuredPictures,
  judges: Judges,
): Promise<number[]> {
  const model = "pair" in record ? record.pair : record.model;
  const pair = await judges.pair(model);
  const prompts = subjects.map(String);
  const texts = await judges.once(
    `${model}: ${prompts.join("\n")}`,
    () => pair.texts(prompts),
  );
  const pictures = await judges.seenIn(
    images,
    model,
    () => pair.pictures(images),
  );
  return record.kind === "prompt-accuracy"
    ? promptAccuracy(pictures, texts)
    : clipScores(pictures, texts);
}

/** The paths of files and folders that metrics read; what is on the hub is downloaded. */
export function metricFiles(
  metrics: readonly MetricRecord[],
): Promise<string[]> {
  const paths = metrics.flatMap(metricPaths).map(([, path]) => path);
  return Promise.all([...new Set(paths)].map(modelFolder));
}

/**
 * Checks that what metrics read is there, before any work.
 *
 * @throws {RangeError} If a file is not there and no name on the hub; the message names the record's field.
 */
export async function checkMetricFiles(
  { name, metrics }: Pick<Experiment, "name" | "metrics">,
): Promise<void> {
  for (const [i, record] of metrics.entries()) {
    for (const [field, path] of metricPaths(record)) {
      const isThere = await Deno.stat(path).then(() => true, () => false);
      if (isThere || field === "model" && parseModelName(path)) continue;
      throw new RangeError(
        `Cannot run experiment ${name}: metrics[${i}].${field} is ${
          JSON.stringify(path)
        }, expected a file or folder that exists`,
      );
    }
  }
}
