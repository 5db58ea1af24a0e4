/** What an experiment measures of its pictures, as plain data; each kind says what it needs, and is checked before any work. */
import {
  type Conformed,
  type Contradiction,
  oneOf,
  record,
  text,
} from "@dip-go/core/files";
import {
  type FidConvention,
  fidConventions,
  lpipsNets,
} from "@dip-go/eval/metrics";
import * as v from "valibot";

/** What the features of Inception are taken of. */
const inception = {
  features: v.literal("inception-2015-12-05"),
  weights: text("the path of pytorch-fid's checkpoint"),
  /** The convention by which pictures are brought to Inception's size. */
  resize: oneOf(fidConventions),
};

/** The full model's pictures of the same noise, a folder of pictures, or statistics in an `.npz` file. */
const statistics = text(
  "full-model, a folder of pictures or an .npz file",
);
const notStatistics = "full-model or a folder of pictures";
const pictures = v.pipe(
  text(notStatistics),
  v.check((reference) => !isStatistics(reference), notStatistics),
);

/** One metric, or two that come together. */
export const metricRecord = v.variant("kind", [
  // to the full model's picture of the same noise, a value a picture
  record({ kind: v.literal("ssim") }),
  record({ kind: v.literal("psnr") }),
  /** Of the latents that the pictures are decoded from, in the sampler's units; a model of pixels has none, and its squared error is `psnr`'s. */
  record({ kind: v.literal("latent-mse") }),
  record({
    kind: v.literal("lpips"),
    net: oneOf(lpipsNets),
    backbone: text("the path of torchvision's checkpoint of the network"),
    /** The release's weights of its maps. */
    weights: text("the path of the release's weights"),
  }),
  /** Megabytes of the plan's exported file. */
  record({ kind: v.literal("file-size") }),
  // to the picture's prompt, a value a picture
  record({
    kind: v.literal("clip-score"),
    model: text("a CLIPModel's folder or name on the hub"),
  }),
  record({
    kind: v.picklist(["clip-score (shapes)", "prompt-accuracy"]),
    pair: text("the folder of an embedded CLIPModel"),
  }),
  // of all pictures together
  record({
    kind: v.picklist(["fid", "sfid"]),
    ...inception,
    reference: statistics,
  }),
  record({
    kind: v.picklist(["kid", "precision-recall"]),
    ...inception,
    reference: pictures,
  }),
  record({
    kind: v.literal("fid (shapes)"),
    /** Its features are compared. */
    classifier: text("the folder of an embedded classifier"),
    reference: oneOf(["rendered", "full-model"]),
  }),
]);

export type MetricRecord = Conformed<typeof metricRecord>;

/** What is measured of pictures. */
export type PictureRecord = Exclude<MetricRecord, { kind: "file-size" }>;
export type MetricKind = MetricRecord["kind"];

/** Fields that name files or folders; `reference` may. */
const pathFields = ["backbone", "weights", "model", "pair", "classifier"];

/** Kinds that compare a picture with its prompt. */
const readsPrompts: readonly MetricKind[] = [
  "clip-score",
  "clip-score (shapes)",
  "prompt-accuracy",
];

/** Whether a reference is a file of statistics. */
export const isStatistics = (reference: string): boolean =>
  reference.endsWith(".npz");

/** Names of a record's values in `results.json`; what follows an underscore is how they differ from the usual. */
export function metricNames(record: MetricRecord): readonly string[] {
  switch (record.kind) {
    case "clip-score":
      return ["clip"];
    case "prompt-accuracy":
      return ["prompt"];
    case "precision-recall":
      return ["precision", "recall"].map((name) => qualified(name, record));
    case "fid":
    case "sfid":
    case "kid":
    case "fid (shapes)":
      return [qualified(record.kind, record)];
    default:
      return [record.kind];
  }
}

function qualified(
  name: string,
  { resize = "pytorch-fid", reference }: {
    resize?: FidConvention;
    reference: string;
  },
): string {
  return [
    name,
    ...resize === "pytorch-fid" ? [] : [resize],
    ...reference === "full-model" ? ["full"] : [],
  ].join("_");
}

/** Whether a record compares with the full model's pictures, so that the full model itself has no value. */
export const isPaired = (record: MetricRecord): boolean =>
  ["ssim", "psnr", "latent-mse", "lpips"].includes(record.kind) ||
  ("reference" in record && record.reference === "full-model");

/** The files and folders that a record reads, by field. */
export const metricPaths = (record: MetricRecord): [string, string][] =>
  Object.entries(record).filter(([field, value]) =>
    pathFields.includes(field) ||
    field === "reference" && record.kind !== "fid (shapes)" &&
      value !== "full-model"
  );

/** Records that contradict each other or the experiment. */
export function metricsContradiction(
  metrics: readonly MetricRecord[],
  hasPrompts: boolean,
): Contradiction | undefined {
  const seen = new Map<string, number>();
  for (const [i, record] of metrics.entries()) {
    const path = ["metrics", i];
    if (readsPrompts.includes(record.kind) && !hasPrompts) {
      const expected =
        "no metric that reads prompts, which the experiment has none of";
      return { path: [...path, "kind"], expected };
    }
    for (const metric of metricNames(record)) {
      const other = seen.get(metric);
      if (other !== undefined) {
        const expected = `other values than those of metrics[${other}]`;
        return { path, expected };
      }
      seen.set(metric, i);
    }
  }
}
