/** Metrics of all pictures together: their features, the reference, and the measure between them. */
import { unstacked } from "../core/batch.ts";
import type { Tensor } from "../core/tensor.ts";
import { frechetDistanceTo } from "../eval/frechet_distance.ts";
import { picturesOf } from "../eval/picture_folder.ts";
import type { Picture } from "../eval/pil_resize.ts";
import { rgbImage } from "../eval/png.ts";
import { readReference } from "../eval/reference_statistics.ts";
import type { SetValue } from "../eval/sample_groups.ts";
import {
  distanceFrom,
  type DistanceTo,
  fixedReference,
  frechetMetric,
  kernelMetric,
  pairedReference,
  precisionRecallMetric,
  type SetMetric,
  type SetReference,
} from "../eval/set_metric.ts";
import { referencePictures } from "../zoo/reference_pictures.ts";
import type { Judges } from "./judges.ts";
import {
  isStatistics,
  metricNames,
  type MetricRecord,
} from "./metric_records.ts";

type Images = Tensor<"float32">;
type SetValues = Readonly<Record<string, SetValue>>;

/** Records of metrics of a set. */
export type SetRecord = Extract<MetricRecord, { reference: string }>;
type InceptionRecord = Extract<SetRecord, { weights: string }>;
type ShapesRecord = Extract<SetRecord, { classifier: string }>;

/** As the kernel distance was published (Bińkowski et al., 2018). */
const kernel = { subsetSize: 1000, subsets: 100, seed: 0 };

/** Rendered pictures that `fid (shapes)` holds samples against. */
const rendered = { count: 1000, seed: 1 };

/**
 * Measures a set of pictures.
 *
 * @param images `[n, 3, H, W]` in [-1, 1].
 * @param full The full model's, where the record's reference is these.
 */
export async function measureSet(
  record: SetRecord,
  { images, full }: { images: Images; full?: Images },
  judges: Judges,
): Promise<SetValues> {
  const features = await featuresOf(record, images, judges);
  const value = <State>(metric: SetMetric<State>) =>
    metric.value(metric.accumulate(features, 0));
  const [name, second] = metricNames(record);
  switch (record.kind) {
    case "kid": {
      const reference = await featureReference(record, full, judges);
      return value(kernelMetric(name, reference, kernel));
    }
    case "precision-recall": {
      const reference = await featureReference(record, full, judges);
      const names = { precision: name, recall: second };
      return value(precisionRecallMetric(names, reference));
    }
    default: {
      const reference = await distanceReference(record, full, judges);
      return value(frechetMetric(name, reference));
    }
  }
}

/** Distances from the reference, whose root is taken once. */
function distanceReference(
  record: SetRecord,
  full: Images | undefined,
  judges: Judges,
): Promise<SetReference<DistanceTo>> {
  const { reference } = record;
  const name = `distance of ${JSON.stringify(record)}`;
  if (reference === "full-model") {
    const pictures = known(record, full);
    return judges.seenIn(
      pictures,
      name,
      async () =>
        pairedReference(
          await featuresOf(record, pictures, judges),
          distanceFrom,
        ),
    );
  }
  return judges.once(name, async () => {
    if (!isStatistics(reference)) {
      return fixedReference(distanceFrom(await ownFeatures(record, judges)));
    }
    const kind = record.kind === "sfid" ? "spatial" : "pooled";
    return fixedReference(
      frechetDistanceTo(await readReference(reference, kind)),
    );
  });
}

/** The features of the reference's pictures, `[M, D]`. */
async function featureReference(
  record: SetRecord,
  full: Images | undefined,
  judges: Judges,
): Promise<SetReference<Images>> {
  if (record.reference !== "full-model") {
    return fixedReference(await ownFeatures(record, judges));
  }
  const features = await featuresOf(record, known(record, full), judges);
  return pairedReference(features, (kept) => kept);
}

function known({ kind }: SetRecord, full: Images | undefined): Images {
  if (full) return full;
  throw new TypeError(
    `Cannot measure ${kind}: its reference is the full model's pictures, expected these`,
  );
}

/** Features of rendered pictures, or of a folder's. */
const ownFeatures = (record: SetRecord, judges: Judges): Promise<Images> =>
  record.kind === "fid (shapes)"
    ? renderedFeatures(record, judges)
    : folderFeatures(record, judges);

function featuresOf(
  record: SetRecord,
  images: Images,
  judges: Judges,
): Promise<Images> {
  return record.kind === "fid (shapes)"
    ? shapesFeatures(record, images, judges)
    : inceptionFeatures(record, images, judges);
}

function shapesFeatures(
  { classifier }: ShapesRecord,
  images: Images,
  judges: Judges,
): Promise<Images> {
  return judges.seenIn(
    images,
    classifier,
    async () => (await judges.classifier(classifier)).of(images),
  );
}

function renderedFeatures(
  { classifier }: ShapesRecord,
  judges: Judges,
): Promise<Images> {
  return judges.once(`rendered for ${classifier}`, async () => {
    const features = await judges.classifier(classifier);
    return features.of(referencePictures(features.kind, rendered));
  });
}

const partOf = ({ kind }: InceptionRecord) =>
  kind === "sfid" ? "spatial" : "pooled";

async function inceptionFeatures(
  record: InceptionRecord,
  images: Images,
  judges: Judges,
): Promise<Images> {
  const { weights, resize } = record;
  const both = await judges.seenIn(images, `${weights} ${resize}`, async () => {
    const pictures = unstacked(images).map((image): Picture<Uint8Array> => ({
      ...rgbImage(image),
      channels: 3,
    }));
    return (await judges.inception(weights)).of(pictures, resize);
  });
  return both[partOf(record)];
}

async function folderFeatures(
  record: InceptionRecord,
  judges: Judges,
): Promise<Images> {
  const { weights, resize, reference } = record;
  const name = `${weights} ${resize} of ${reference}`;
  const both = await judges.once(
    name,
    async () =>
      (await judges.inception(weights)).of(picturesOf(reference), resize),
  );
  return both[partOf(record)];
}
