/** What an experiment measures of its pictures, as plain data; each kind says what it needs, and is checked before any work. */
import {
  type FidConvention,
  fidConventions,
  type LpipsNet,
  lpipsNets,
} from "@dip-go/eval/metrics";

/** What a set is held against: the full model's pictures of the same noise, a folder of PNG or JPEG files, or statistics in an `.npz` file. */
export type Reference = "full-model" | string;

/** What the features of Inception are taken of. */
interface InceptionFields {
  readonly features: "inception-2015-12-05";
  /** pytorch-fid's checkpoint. */
  readonly weights: string;
  /** The convention by which pictures are brought to Inception's size. */
  readonly resize: FidConvention;
  readonly reference: Reference;
}

/** One metric, or two that come together. */
export type MetricRecord =
  /** To the full model's picture of the same noise, a value a picture. */
  | { readonly kind: "ssim" }
  | { readonly kind: "psnr" }
  /** Of the latents that the pictures are decoded from, in the sampler's units; a model of pixels has none, and its squared error is `psnr`'s. */
  | { readonly kind: "latent-mse" }
  | {
    readonly kind: "lpips";
    readonly net: LpipsNet;
    /** torchvision's checkpoint of the network. */
    readonly backbone: string;
    /** The release's weights of its maps. */
    readonly weights: string;
  }
  /** To the picture's prompt, a value a picture. */
  | {
    readonly kind: "clip-score";
    /** `CLIPModel` folder, or its name on the hub. */
    readonly model: string;
  }
  | {
    readonly kind: "clip-score (shapes)" | "prompt-accuracy";
    /** Folder of the embedded `CLIPModel`. */
    readonly pair: string;
  }
  /** Of all pictures together. */
  | (
    & { readonly kind: "fid" | "sfid" | "kid" | "precision-recall" }
    & InceptionFields
  )
  | {
    readonly kind: "fid (shapes)";
    /** Folder of the embedded classifier whose features are compared. */
    readonly classifier: string;
    readonly reference: "rendered" | "full-model";
  };

export type MetricKind = MetricRecord["kind"];

/** What a field of a record must be. */
interface FieldRule {
  readonly holds: (value: unknown) => boolean;
  /** In words. */
  readonly expected: string;
  /** Whether it names a file or folder. */
  readonly isPath?: boolean;
}

const isText = (value: unknown) => typeof value === "string" && value !== "";

const among = (values: readonly string[]): FieldRule => ({
  holds: (value) => values.includes(value as string),
  expected: values.length === 1 ? values[0] : `one of ${values.join(", ")}`,
});
const path = (expected: string): FieldRule => ({
  holds: isText,
  expected,
  isPath: true,
});

const inception = {
  features: among(["inception-2015-12-05"]),
  weights: path("the path of pytorch-fid's checkpoint"),
  resize: among(fidConventions),
};
const statistics = path(
  "full-model, a folder of PNG or JPEG files or an .npz file",
);
const pictures: FieldRule = {
  holds: (value) => isText(value) && !isStatistics(value as string),
  expected: "full-model or a folder of PNG or JPEG files",
  isPath: true,
};
const pair = path("the folder of a CLIPModel");

/** The fields of each kind besides `kind`. */
const fields: Readonly<
  Record<MetricKind, Readonly<Record<string, FieldRule>>>
> = {
  ssim: {},
  psnr: {},
  "latent-mse": {},
  lpips: {
    net: among(lpipsNets),
    backbone: path("the path of torchvision's checkpoint of the network"),
    weights: path("the path of the release's weights"),
  },
  "clip-score": { model: path("a CLIPModel's folder or name on the hub") },
  "clip-score (shapes)": { pair },
  "prompt-accuracy": { pair },
  fid: { ...inception, reference: statistics },
  sfid: { ...inception, reference: statistics },
  kid: { ...inception, reference: pictures },
  "precision-recall": { ...inception, reference: pictures },
  "fid (shapes)": {
    classifier: path("the folder of an embedded classifier"),
    reference: among(["rendered", "full-model"]),
  },
};

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
    reference: Reference;
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
export function metricPaths(record: MetricRecord): [string, string][] {
  const values = record as unknown as Record<string, string>;
  return Object.entries(fields[record.kind])
    .filter(([, { isPath }]) => isPath)
    .map(([field]): [string, string] => [field, values[field]])
    .filter(([, value]) => value !== "full-model");
}

/** The parts of an experiment that its metrics are checked with. */
interface MeasuredExperiment {
  readonly name: string;
  readonly prompts?: unknown;
  readonly metrics: readonly MetricRecord[];
}

/**
 * Checks the records of an experiment, before any work.
 *
 * @throws {RangeError} If one is of no known kind, has a field too many or one of another value, measures what another does, or reads prompts that there are none of; the message names the path.
 */
export function checkMetrics(experiment: MeasuredExperiment): void {
  const { name, metrics, prompts } = experiment;
  const refuse = (at: string, found: unknown, expected: string): never => {
    throw new RangeError(
      `Cannot run experiment ${name}: ${at} is ${
        JSON.stringify(found)
      }, expected ${expected}`,
    );
  };
  if (!Array.isArray(metrics)) refuse("metrics", metrics, "a list of records");
  const seen = new Map<string, number>();
  for (const [i, record] of metrics.entries()) {
    const at = `metrics[${i}]`;
    checkFields(
      record,
      (field, found, expected) =>
        refuse(field ? `${at}.${field}` : at, found, expected),
    );
    if (readsPrompts.includes(record.kind) && !prompts) {
      refuse(
        `${at}.kind`,
        record.kind,
        "no metric that reads prompts, which the experiment has none of",
      );
    }
    for (const metric of metricNames(record)) {
      const other = seen.get(metric);
      if (other !== undefined) {
        refuse(at, record, `other values than those of metrics[${other}]`);
      }
      seen.set(metric, i);
    }
  }
}

function checkFields(
  record: MetricRecord,
  refuse: (field: string, found: unknown, expected: string) => never,
): void {
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    refuse("", record, "a record with a kind");
  }
  if (!Object.hasOwn(fields, record.kind)) {
    refuse("kind", record.kind, `one of ${Object.keys(fields).join(", ")}`);
  }
  const rules = fields[record.kind];
  const values = record as unknown as Record<string, unknown>;
  for (const [field, { holds, expected }] of Object.entries(rules)) {
    if (!holds(values[field])) refuse(field, values[field], expected);
  }
  const odd = Object.keys(values).find((field) =>
    field !== "kind" && !Object.hasOwn(rules, field)
  );
  if (odd) {
    const known = ["kind", ...Object.keys(rules)].join(", ");
    refuse(odd, values[odd], `no such field; ${record.kind} has ${known}`);
  }
}
