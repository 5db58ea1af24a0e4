/** Measures folders of pictures against a reference or prompts, in the conventions of pytorch-fid and clean-fid. */
import { imageOf, readPicture } from "@dip-go/core/pictures";
import type { SessionOptions } from "@dip-go/core/runtime";
import { joined, stacked, type Tensor } from "@dip-go/core/tensor";
import { pictureNames, picturesOf } from "../pictures/picture_folder.ts";
import { type Interval, meanInterval } from "../statistics/bootstrap.ts";
import type { ContrastivePair } from "./networks/clip/contrastive_pair.ts";
import { openInceptionFeatures } from "./networks/inception/inception_features.ts";
import type { FidConvention } from "./networks/inception/inception_inputs.ts";
import type { Lpips } from "./networks/lpips/open_lpips.ts";
import { pairedMetrics } from "./paired_metrics.ts";
import { clipScores } from "./prompt_scores.ts";
import type { Features } from "./sets/feature_statistics.ts";
import { frechetDistance } from "./sets/frechet_distance.ts";
import {
  archiveContent,
  distanceFromStatistics,
  givesStatistics,
  readReference,
} from "./sets/reference_statistics.ts";
import {
  distanceFrom,
  fixedReference,
  frechetMetric,
  kernelMetric,
  pairedReference,
  precisionRecallMetric,
  type SetMetric,
  type SetReference,
} from "./sets/set_metric.ts";

/** A network that sees pictures as features, such as one of the zoo's classifiers. */
export interface FeatureNetwork {
  /** The features `[B, D]` of pictures `[B, 3, H, W]` in [-1, 1]. */
  of(images: Tensor<"float32">): Promise<Features>;
}

/** Inception-v3 of 2015-12-05, given by its file. */
export interface InceptionFile {
  /** `pt_inception-2015-12-05-6726825d.pth`, which pytorch-fid publishes, or the same weights as safetensors. */
  readonly weights: string;
  /** The convention for resizing pictures for Inception: `pytorch-fid`, `clean-fid`, `adm` or `companion`. */
  readonly resize: FidConvention;
  /** The divisor of the widths, as for `inceptionGraph`; for tests. */
  readonly narrow?: number;
}

const paired = ["psnr", "ssim", "lpips"] as const;
type PairedMetric = typeof paired[number];

/** Metrics of a folder: the first three compare pictures by name, `clip-score` pictures with prompts, the others sets. */
export const pictureMetrics = [
  ...paired,
  "clip-score",
  "fid",
  "sfid",
  "kid",
  "precision-recall",
] as const;
export type PictureMetric = typeof pictureMetrics[number];
type SetMetricName = Exclude<PictureMetric, PairedMetric | "clip-score">;

/** The reference, the metrics and their networks. */
export interface EvaluationOptions extends SessionOptions {
  /** A folder of pictures, or an `.npz` of pictures or, for `fid` and `sfid`, of statistics; `clip-score` needs none. */
  readonly reference?: string;
  /**
   * The metrics; by default `psnr` and `ssim`, if the reference has a picture of
   * every name, `fid`, if there are features or both sides are archives, and
   * `clip-score`, if there are prompts.
   */
  readonly metrics?: readonly PictureMetric[];
  /** The network whose features `fid`, `kid` and `precision-recall` compare; `sfid` needs Inception. */
  readonly features?: FeatureNetwork | InceptionFile;
  /** The network of `lpips`. */
  readonly lpips?: Lpips;
  /** The networks of `clip-score`, and the prompt of each picture in the order of the names. */
  readonly clip?: {
    readonly pair: ContrastivePair;
    readonly prompts: readonly string[];
  };
}

/**
 * Measures the pictures of a folder.
 *
 * PSNR counts equal pictures as 100 dB; SSIM pads with zeros. Both take pictures
 * in [-1, 1] of one size. With Inception's features, FID, sFID and KID follow the
 * published programs; with other features they are distances of the same kind.
 * KID averages 100 subsets of 1000.
 *
 * @param folder A folder of pictures, or an `.npz` file as for the reference.
 * @returns The requested values of `psnr`, `ssim`, `lpips`, `clip-score`, `fid`, `sfid`, `kid`,
 * `precision` and `recall`, each with the number of pictures and a 95 % interval: a
 * mean's is bootstrapped, a set's of 20 pictures or more jackknifed. Between two
 * statistics the number is 0: they do not state how many pictures they are from.
 * @throws {TypeError} If a picture lacks a counterpart, a file is no picture, or a metric lacks its network or folder.
 * @throws {RangeError} If there are too few pictures, or the features and the reference differ in width.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { unstacked } from "@dip-go/core/tensor";
 * import { evaluatePictures, rgbImage, writePng } from "@dip-go/eval";
 * import { openPictureFeatures } from "@dip-go/zoo/classifiers";
 * import { referencePictures } from "@dip-go/zoo/data";
 *
 * const [folder, reference] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
 * for (const [seed, path] of [folder, reference].entries()) {
 *   const images = unstacked(referencePictures("shapes", { count: 20, seed }));
 *   for (const [i, image] of images.entries()) {
 *     await writePng(`${path}/${i}.png`, { image: rgbImage(image) });
 *   }
 * }
 * await using features = await openPictureFeatures("zoo/models/shapes-classifier");
 * const { psnr, fid } = await evaluatePictures(folder, { reference, features });
 * assert(psnr.low! < psnr.mean && fid.n === 20);
 * for (const path of [folder, reference]) await Deno.remove(path, { recursive: true });
 * ```
 */
export async function evaluatePictures(
  folder: string,
  options: EvaluationOptions,
): Promise<Record<string, Interval>> {
  const { reference, features, clip } = options;
  const names = await namesIn(folder);
  const others = reference === undefined ? [] : await namesIn(reference);
  const alone = isArchive(folder)
    ? folder
    : names.find((name) => !others.includes(name));
  const isKnown = features || isArchive(folder) && reference &&
      isArchive(reference);
  const metrics = options.metrics ?? [
    ...alone === undefined ? ["psnr", "ssim"] as const : [],
    ...reference && isKnown ? ["fid"] as const : [],
    ...clip ? ["clip-score"] as const : [],
  ];
  const missing = reference === undefined
    ? "there is no reference"
    : `${reference} has no ${alone}`;
  if (metrics.length === 0) {
    const why = alone === undefined ? "" : `, and ${missing}`;
    refuse(folder, `no metric is asked for${why}`);
  }
  const odd = metrics.find((metric) => !pictureMetrics.includes(metric));
  if (odd) {
    const known = pictureMetrics.join(", ");
    refuse(folder, `"${odd}" is no metric, expected any of ${known}`);
  }
  const isPaired = (metric: PictureMetric): metric is PairedMetric =>
    paired.some((name) => name === metric);
  const ofPairs = metrics.filter(isPaired);
  if (ofPairs.length > 0 && alone !== undefined) {
    refuse(folder, `${missing}, which ${ofPairs[0]} needs`);
  }
  const ofSets = metrics.filter((metric) =>
    !isPaired(metric) && metric !== "clip-score"
  ) as SetMetricName[];
  const scores = metrics.includes("clip-score")
    ? promptValues(folder, names, clip)
    : none;
  const sets = await setValues(ofSets, {
    folder,
    isPaired: alone === undefined && names.length === others.length,
    options,
  });
  return {
    ...await pairValues(ofPairs, { folder, names, options }),
    ...await scores(),
    ...await sets(),
  };
}

/** Measures metrics whose inputs were checked. */
type Measure = () => Promise<Record<string, Interval>>;

const none: Measure = () => Promise.resolve({});

const isArchive = (path: string): boolean => path.endsWith(".npz");

/** The names of a folder's pictures; an archive's pictures have no names. */
const namesIn = (path: string): Promise<readonly string[]> =>
  isArchive(path) ? Promise.resolve([]) : pictureNames(path);

/** The mean CLIP score of the pictures with their prompts. */
function promptValues(
  folder: string,
  names: readonly string[],
  clip: EvaluationOptions["clip"],
): Measure {
  if (!clip) refuse(folder, "clip-score needs its networks and prompts");
  const { pair, prompts } = clip;
  const check = (pictures: number) => {
    if (pictures === prompts.length) return;
    const found = `${prompts.length} prompts for ${pictures} pictures`;
    refuse(folder, `found ${found}, expected one for each`);
  };
  if (!isArchive(folder)) check(names.length);
  return async () => {
    const pictures = (await Array.fromAsync(
      picturesOf(folder),
      (picture) => pair.pictures(stacked([imageOf(picture)])),
    )).flat();
    check(pictures.length);
    const scores = clipScores(pictures, await pair.texts(prompts));
    return { "clip-score": meanInterval(scores) };
  };
}

function refuse(folder: string, why: string): never {
  throw new TypeError(`Cannot evaluate pictures ${folder}: ${why}`);
}

/** The means over pairs of pictures of one name. */
async function pairValues(
  metrics: readonly PairedMetric[],
  { folder, names, options: { reference, lpips } }: {
    folder: string;
    names: readonly string[];
    options: EvaluationOptions;
  },
): Promise<Record<string, Interval>> {
  if (metrics.length === 0) return {};
  const measures = {
    ...pairedMetrics,
    lpips: (a: Features, b: Features) =>
      lpips?.distances(a, b) ?? refuse(folder, "lpips needs its network"),
  };
  const values = metrics.map((): number[] => []);
  for (const name of names) {
    const own = imageOf(await readPicture(`${folder}/${name}`));
    const other = imageOf(await readPicture(`${reference}/${name}`));
    for (const [i, metric] of metrics.entries()) {
      try {
        values[i].push(...await measures[metric](own, other));
      } catch (cause) {
        refuse(folder, `${name}: ${(cause as Error).message}`);
      }
    }
  }
  return Object.fromEntries(
    metrics.map((metric, i) => [metric, meanInterval(values[i])]),
  );
}

/** The Fréchet distances of metrics for which both sides publish statistics. */
async function publishedValues(
  metrics: readonly SetMetricName[],
  sides: readonly [Side, Side],
): Promise<Record<string, Interval>> {
  const values: Record<string, Interval> = {};
  for (const metric of metrics) {
    if (!sides.every(({ publishes }) => publishes(metric))) continue;
    const [own, reference] = await Promise.all(
      sides.map(({ path }) => readReference(path, kindOf(metric))),
    );
    values[metric] = { mean: frechetDistance(reference, own), n: 0 };
  }
  return values;
}

/** The measures that compare sets of features. */
async function setValues(
  metrics: readonly SetMetricName[],
  { folder, isPaired, options: { reference, features, ...session } }: {
    folder: string;
    /** Whether pictures are paired: a left-out picture's counterpart is left out too. */
    isPaired: boolean;
    options: EvaluationOptions;
  },
): Promise<Measure> {
  if (metrics.length === 0) return none;
  if (reference === undefined) {
    refuse(folder, `${metrics[0]} needs a reference`);
  }
  const [ours, others] = [await sideOf(folder), await sideOf(reference)];
  const values = await publishedValues(metrics, [ours, others]);
  const rest = metrics.filter((metric) => !(metric in values));
  if (rest.length === 0) return () => Promise.resolve(values);
  if (!features) {
    const kinds = "of Inception or an embedded classifier";
    refuse(folder, `${rest[0]} needs features, ${kinds}`);
  }
  if (rest.includes("sfid") && !("weights" in features)) {
    refuse(folder, "sfid needs Inception's features");
  }
  return async () => {
    await using held = new AsyncDisposableStack();
    const look = await looking(features, { ...session, held });
    const seen = async (side: Side) => {
      const isRead = side.hasPictures && !rest.every(side.publishes);
      return { ...side, rows: isRead ? await look(side.path) : undefined };
    };
    const [own, theirs] = [await seen(ours), await seen(others)];
    const rowsOf = ({ rows, path }: typeof own, metric: SetMetricName) => {
      if (!rows) refuse(folder, `${metric} needs pictures, found ${path}`);
      return rows[kindOf(metric)]!;
    };
    for (const metric of rest) {
      // A distance is symmetric: a side that publishes its statistics serves as the reference.
      const [from, to] = ours.publishes(metric) ? [theirs, own] : [own, theirs];
      const rows = rowsOf(from, metric);
      const add = (set: SetMetric) => Object.assign(values, set(rows));
      const against = <Value>(
        valueOf: (features: Features) => Value,
      ): SetReference<Value> =>
        isPaired
          ? pairedReference(rowsOf(to, metric), valueOf)
          : fixedReference(valueOf(rowsOf(to, metric)));
      if (metric === "kid") {
        add(kernelMetric("kid", against((kept) => kept)));
      } else if (metric === "precision-recall") {
        const names = { precision: "precision", recall: "recall" };
        add(precisionRecallMetric(names, against((kept) => kept)));
      } else if (to.publishes(metric)) {
        const distance = await distanceFromStatistics(to.path, kindOf(metric));
        add(frechetMetric(metric, fixedReference(distance)));
      } else add(frechetMetric(metric, against(distanceFrom)));
    }
    return values;
  };
}

/** One of the two sets: pictures, statistics of pictures, or both. */
interface Side {
  readonly path: string;
  readonly hasPictures: boolean;
  /** Whether the side has the statistics that a metric compares. */
  publishes(metric: SetMetricName): boolean;
}

async function sideOf(path: string): Promise<Side> {
  const content = isArchive(path)
    ? await archiveContent(path)
    : new Set(["pictures" as const]);
  return {
    path,
    hasPictures: content.has("pictures"),
    publishes: (metric) =>
      (metric === "fid" || metric === "sfid") &&
      givesStatistics(content, kindOf(metric)),
  };
}

const kindOf = (metric: SetMetricName) =>
  metric === "sfid" ? "spatial" : "pooled";

/** The features of a folder's pictures, `[N, D]`; only Inception has spatial features. */
interface Rows {
  readonly pooled: Features;
  readonly spatial?: Features;
}

/** Opens the network, which `held` closes, and returns a function that computes a folder's features. */
async function looking(
  features: FeatureNetwork | InceptionFile,
  { held, ...session }: SessionOptions & { held: AsyncDisposableStack },
): Promise<(folder: string) => Promise<Rows>> {
  if ("weights" in features) {
    const { weights, resize, narrow } = features;
    const options = { narrow, ...session };
    const inception = held.use(await openInceptionFeatures(weights, options));
    return (folder) => inception.of(picturesOf(folder), resize);
  }
  return async (folder) => {
    const rows = await Array.fromAsync(
      picturesOf(folder),
      (picture) => features.of(stacked([imageOf(picture)])),
    );
    return { pooled: joined(rows) };
  };
}
