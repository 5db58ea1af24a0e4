/** The metrics of an experiment as records: plain data with the fields of each kind, checked before any work. */
import {
  type Conformed,
  type Contradiction,
  oneOf,
  record,
  text,
  wholeFrom,
} from "@dip-go/core/files";
import {
  type FidConvention,
  fidConventions,
  lpipsNets,
} from "@dip-go/eval/metrics";
import * as v from "valibot";

/** The fields of metrics on Inception's features. */
const inception = {
  features: v.literal("inception-2015-12-05"),
  weights: text("the path of pytorch-fid's checkpoint"),
  /** The convention that resizes pictures to Inception's input. */
  resize: oneOf(fidConventions),
};

/** A reference: the full model's pictures of the same noise, a folder of pictures, or an `.npz` of statistics. */
const statistics = text(
  "full-model, a folder of pictures or an .npz file",
);
const notStatistics = "full-model or a folder of pictures";
const pictures = v.pipe(
  text(notStatistics),
  v.check((reference) => !isStatistics(reference), notStatistics),
);

/** The fields of metrics that compare a picture with the full model's. */
const compared = {
  /** The number of steps of the pictures to compare with; the experiment's by default. */
  steps: v.optional(wholeFrom(1)),
};

/** The record of one metric, or of two that are computed together. */
export const metricRecord = v.variant("kind", [
  // compared with the full model's picture of the same noise: a value for each picture
  record({ kind: v.literal("ssim"), ...compared }),
  record({ kind: v.literal("psnr"), ...compared }),
  /** The mean squared error of final latents, in the sampler's units; a model of pixels has `psnr` instead. */
  record({ kind: v.literal("latent-mse"), ...compared }),
  record({
    kind: v.literal("lpips"),
    ...compared,
    net: oneOf(lpipsNets),
    backbone: text("the path of torchvision's checkpoint of the network"),
    /** The file of the release's weights of the network's feature maps. */
    weights: text("the path of the release's weights"),
  }),
  /** Megabytes of the plan's exported file. */
  record({ kind: v.literal("file-size") }),
  // compared with the picture's prompt: a value for each picture
  record({
    kind: v.literal("clip-score"),
    model: text("a CLIPModel's folder or name on the hub"),
  }),
  record({
    kind: v.picklist(["clip-score (shapes)", "prompt-accuracy"]),
    pair: text("the folder of an embedded CLIPModel"),
  }),
  // computed from all pictures together
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
    /** The classifier whose features are compared. */
    classifier: text("the folder of an embedded classifier"),
    reference: oneOf(["rendered", "full-model"]),
  }),
]);

export type MetricRecord = Conformed<typeof metricRecord>;

/** The record of a metric that reads pictures. */
export type PictureRecord = Exclude<MetricRecord, { kind: "file-size" }>;
export type MetricKind = MetricRecord["kind"];

/** Fields that name files or folders; `reference` may name one too. */
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

/** Names of a record's values in `results.json`; a suffix after `_` is an unusual convention or reference. */
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
    default: {
      const steps = referenceSteps(record);
      return [steps ? `${record.kind}_${steps} steps` : record.kind];
    }
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

/** Kinds that compare each picture with another one from the same noise. */
const comparing: readonly MetricKind[] = [
  "ssim",
  "psnr",
  "latent-mse",
  "lpips",
];

/** Whether a record compares with the full model's pictures. */
export const isPaired = (record: MetricRecord): boolean =>
  comparing.includes(record.kind) ||
  ("reference" in record && record.reference === "full-model");

/** The number of steps of the pictures that a record compares with, if it is not the experiment's. */
export const referenceSteps = (record: MetricRecord): number | undefined =>
  "steps" in record ? record.steps : undefined;

/** The files and folders that a record reads, by field. */
export const metricPaths = (record: MetricRecord): [string, string][] =>
  Object.entries(record as Record<string, string>).filter(([field, value]) =>
    pathFields.includes(field) ||
    field === "reference" && record.kind !== "fid (shapes)" &&
      value !== "full-model"
  );

/** The first record that contradicts another or the experiment; undefined if none does. */
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
