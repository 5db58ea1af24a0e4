/** Metrics of all pictures together: their features, the reference, and the measure between them. */
import { type Picture, rgbImage } from "@dip-go/core/pictures";
import { joined, type Tensor, unstacked } from "@dip-go/core/tensor";
import {
  archiveContent,
  distanceFrom,
  distanceFromStatistics,
  fixedReference,
  frechetMetric,
  givesStatistics,
  kernelMetric,
  pairedReference,
  precisionRecallMetric,
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

/** The record of a metric of all pictures together. */
export type SetRecord = Extract<MetricRecord, { reference: string }>;

/** The rendered pictures that `fid (shapes)` compares samples with. */
const rendered = { count: 1000, seed: 1 };

/** Takes a record's features, `[n, D]`, of sampled pictures and of the record's own reference. */
interface FeatureSource {
  of(pictures: SampledSet): Promise<Features>;
  ofReference(): Promise<Features>;
}

/**
 * Measures a set of pictures, of which only features are held.
 *
 * @param full The full model's pictures, if they are the record's reference.
 */
export async function measureSet(
  record: SetRecord,
  { pictures, full }: { pictures: SampledSet; full?: SampledSet },
  judges: Judges,
): Promise<SetValues> {
  const { kind, reference } = record;
  const paired = reference === "full-model" ? known(record, full) : undefined;
  const source = featuresOf(record, judges);
  const features = await source.of(pictures);
  const [name, second] = metricNames(record);
  if (kind === "kid" || kind === "precision-recall") {
    const others: SetReference<Features> = paired
      ? pairedReference(await source.of(paired), (kept) => kept)
      : fixedReference(await source.ofReference());
    const metric = kind === "kid"
      ? kernelMetric(name, others)
      : precisionRecallMetric({ precision: name, recall: second }, others);
    return metric(features);
  }
  const key = `distance of ${JSON.stringify(record)}`; // the root of its covariance is taken once
  const distance = paired
    ? await judges.seenIn(
      paired,
      key,
      async () => pairedReference(await source.of(paired), distanceFrom),
    )
    : await judges.once(key, async () =>
      fixedReference(
        isStatistics(reference) &&
          givesStatistics(await archiveContent(reference), partOf(kind))
          ? await distanceFromStatistics(reference, partOf(kind))
          : distanceFrom(await source.ofReference()),
      ));
  return frechetMetric(name, distance)(features);
}

function known({ kind }: SetRecord, full: SampledSet | undefined): SampledSet {
  if (full) return full;
  throw new TypeError(
    `Cannot measure ${kind}: its reference is the full model's pictures, expected these`,
  );
}

const partOf = (kind: SetRecord["kind"]) =>
  kind === "sfid" ? "spatial" : "pooled";

function featuresOf(record: SetRecord, judges: Judges): FeatureSource {
  if (record.kind === "fid (shapes)") {
    const { classifier } = record;
    return {
      of: (pictures) =>
        judges.seenIn(pictures, classifier, async () => {
          const network = await judges.classifier(classifier);
          return joined(
            await Array.fromAsync(
              pictures.batches(),
              ({ images }) => network.of(images),
            ),
          );
        }),
      ofReference: () =>
        judges.once(`rendered for ${classifier}`, async () => {
          const network = await judges.classifier(classifier);
          return network.of(referencePictures(network.kind, rendered));
        }),
    };
  }
  const { kind, weights, resize, reference } = record;
  const look = async (pictures: AsyncIterable<Picture<Uint8Array>>) =>
    (await judges.inception(weights)).of(pictures, resize);
  const key = `${weights} ${resize}`;
  return {
    async of(pictures) {
      const seen = judges.seenIn(
        pictures,
        key,
        () => look(savedPictures(pictures)),
      );
      return (await seen)[partOf(kind)];
    },
    async ofReference() {
      const seen = judges.once(
        `${key} of ${reference}`,
        () => look(picturesOf(reference)),
      );
      return (await seen)[partOf(kind)];
    },
  };
}

/** The pictures of a set rounded to 8 bits, as saved pictures are. */
async function* savedPictures(
  set: SampledSet,
): AsyncGenerator<Picture<Uint8Array>> {
  for await (const { images } of set.batches()) {
    for (const image of unstacked(images)) {
      yield { ...rgbImage(image), channels: 3 };
    }
  }
}
