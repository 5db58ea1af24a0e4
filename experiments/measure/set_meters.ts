/** Metrics of all pictures together: their features, the reference, and the measure between them. */
import { type Picture, rgbImage } from "@dip-go/core/pictures";
import { joined, type Tensor, unstacked } from "@dip-go/core/tensor";
import {
  distanceFrom,
  type DistanceTo,
  fixedReference,
  frechetDistanceTo,
  frechetMetric,
  kernelMetric,
  pairedReference,
  precisionRecallMetric,
  readReference,
  type SetMetric,
  type SetReference,
  type SetValue,
} from "@dip-go/eval/metrics";
import { picturesOf } from "@dip-go/eval/pictures";
import { referencePictures } from "@dip-go/zoo/data";
import type { Judges } from "./judges.ts";
import type { SampledSet } from "./sampled_sets.ts";
import {
  isStatistics,
  metricNames,
  type MetricRecord,
} from "../schema/metric_records.ts";

/** Features of n pictures, `[n, D]`. */
type Features = Tensor<"float32">;
type SetValues = Readonly<Record<string, SetValue>>;

/** Records of metrics of a set. */
export type SetRecord = Extract<MetricRecord, { reference: string }>;
type InceptionRecord = Extract<SetRecord, { weights: string }>;
type ShapesRecord = Extract<SetRecord, { classifier: string }>;

/** Rendered pictures that `fid (shapes)` holds samples against. */
const rendered = { count: 1000, seed: 1 };

/**
 * Measures a set of pictures, of which only features are held.
 *
 * @param full The full model's, where the record's reference is these.
 */
export async function measureSet(
  record: SetRecord,
  { pictures, full }: { pictures: SampledSet; full?: SampledSet },
  judges: Judges,
): Promise<SetValues> {
  const features = await featuresOf(record, pictures, judges);
  const value = <State>(metric: SetMetric<State>) =>
    metric.value(metric.accumulate(features, 0));
  const [name, second] = metricNames(record);
  switch (record.kind) {
    case "kid": {
      const reference = await featureReference(record, full, judges);
      return value(kernelMetric(name, reference));
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
  full: SampledSet | undefined,
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
  full: SampledSet | undefined,
  judges: Judges,
): Promise<SetReference<Features>> {
  if (record.reference !== "full-model") {
    return fixedReference(await ownFeatures(record, judges));
  }
  const features = await featuresOf(record, known(record, full), judges);
  return pairedReference(features, (kept) => kept);
}

function known(
  { kind }: SetRecord,
  full: SampledSet | undefined,
): SampledSet {
  if (full) return full;
  throw new TypeError(
    `Cannot measure ${kind}: its reference is the full model's pictures, expected these`,
  );
}

/** Features of rendered pictures, or of a folder's. */
const ownFeatures = (record: SetRecord, judges: Judges): Promise<Features> =>
  record.kind === "fid (shapes)"
    ? renderedFeatures(record, judges)
    : folderFeatures(record, judges);

function featuresOf(
  record: SetRecord,
  pictures: SampledSet,
  judges: Judges,
): Promise<Features> {
  return record.kind === "fid (shapes)"
    ? shapesFeatures(record, pictures, judges)
    : inceptionFeatures(record, pictures, judges);
}

function shapesFeatures(
  { classifier }: ShapesRecord,
  pictures: SampledSet,
  judges: Judges,
): Promise<Features> {
  return judges.seenIn(pictures, classifier, async () => {
    const network = await judges.classifier(classifier);
    const features: Features[] = [];
    for await (const { images } of pictures.batches()) {
      features.push(await network.of(images));
    }
    return joined(features);
  });
}

function renderedFeatures(
  { classifier }: ShapesRecord,
  judges: Judges,
): Promise<Features> {
  return judges.once(`rendered for ${classifier}`, async () => {
    const features = await judges.classifier(classifier);
    return features.of(referencePictures(features.kind, rendered));
  });
}

const partOf = ({ kind }: InceptionRecord) =>
  kind === "sfid" ? "spatial" : "pooled";

async function inceptionFeatures(
  record: InceptionRecord,
  pictures: SampledSet,
  judges: Judges,
): Promise<Features> {
  const { weights, resize } = record;
  const both = await judges.seenIn(
    pictures,
    `${weights} ${resize}`,
    async () =>
      (await judges.inception(weights)).of(savedPictures(pictures), resize),
  );
  return both[partOf(record)];
}

/** Pictures rounded to 8 bits, as saved ones are. */
async function* savedPictures(
  set: SampledSet,
): AsyncGenerator<Picture> {
  for await (const { images } of set.batches()) {
    for (const image of unstacked(images)) {
      yield rgbImage(image);
    }
  }
}

async function folderFeatures(
  record: InceptionRecord,
  judges: Judges,
): Promise<Features> {
  const { weights, resize, reference } = record;
  const name = `${weights} ${resize} of ${reference}`;
  const both = await judges.once(
    name,
    async () =>
      (await judges.inception(weights)).of(picturesOf(reference), resize),
  );
  return both[partOf(record)];
}
