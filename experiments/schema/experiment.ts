/** An experiment as plain data: everything that changes a number, and nothing else. */
import { allGranularities, type Granularity } from "@dip-go/core/models";
import { type SamplerKind, samplerKinds } from "@dip-go/core/samplers";
import { methods, type SearchSettings } from "@dip-go/pruner/methods";
import { checkMetrics, type MetricRecord } from "./metric_records.ts";

/** One experiment; its file default-exports it `satisfies Experiment`. */
export interface Experiment {
  /** As typed on the command line, and the folder under `results/`. */
  readonly name: string;
  /** One line for `--list`. */
  readonly description: string;
  /** Of every search. */
  readonly seed: number;
  /** Folder in diffusers layout. */
  readonly model: string;
  /** In a model that reads text: files of prompts, one a line; what is evaluated is nothing that a search has seen. */
  readonly prompts?: {
    readonly search: string;
    readonly evaluation: string;
  };
  readonly sampler: {
    /** "own" is the one that the model's folder names. */
    readonly kind: SamplerKind | "own";
    /** As the sampler counts them: PNDM calls the model once more. */
    readonly steps: number;
    readonly guidanceScale: number;
  };
  readonly superNet: {
    /** Units of the model's family. */
    readonly granularity: Granularity;
    /** What backup connections hold; the granularity's own by default. */
    readonly backup?: "output" | "residual";
  };
  readonly search: SearchSettings;
  /**
   * What budgets are fractions of: the full sampler's MACs, or the time that it
   * is predicted to take, the sum of what its blocks take one by one on this device.
   */
  readonly cost: "macs" | "latency";
  /** Removed fractions of the full sampler's cost; a budget is never exceeded. */
  readonly sparsity: readonly number[];
  /** Names of the rivals, in the order of the table. */
  readonly methods: readonly string[];
  /** The method that every other is paired with at its sparsity. */
  readonly mainMethod: string;
  readonly evaluation: {
    /** Images, each from its own noise, of its own class or prompt. */
    readonly pairs: number;
    /** Of noise and subjects; another than the searches'. */
    readonly seed: number;
    readonly batch: number;
    /** Noise anew for each pair, by default; or the same again in every batch, as DiP-GO's companion code reseeds. */
    readonly seedPer?: "prompt" | "batch";
  };
  /** What is measured of the pictures, in the order of the table. */
  readonly metrics: readonly MetricRecord[];
  readonly latency: {
    /** The first is that of the `Latency` and `Speedup` columns. */
    readonly batches: readonly number[];
    readonly rounds: number;
  };
}

/** The value at a dotted path, or undefined. */
export function valueAt(experiment: Experiment, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (value, key) =>
      isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined,
    experiment,
  );
}

/** True for an object with keys, as opposed to a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A path, what must hold of its value, and that in words. */
type Rule = readonly [
  path: string,
  holds: (value: unknown, experiment: Experiment) => boolean,
  expected: string,
];

const isCount = (value: unknown) =>
  Number.isSafeInteger(value) && Number(value) >= 1;
const isSeed = (value: unknown) =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isSetOf = (values: unknown, holds: (value: unknown) => boolean) =>
  Array.isArray(values) && values.length > 0 &&
  new Set(values).size === values.length && values.every(holds);
const methodNames = methods.map(({ name }) => name);

const count = (path: string): Rule => [path, isCount, "a whole number from 1"];
const oneOf = (path: string, known: readonly string[]): Rule => [
  path,
  (value) => known.includes(value as string),
  known.length > 2 ? `one of ${known.join(", ")}` : known.join(" or "),
];
const optional = ([path, holds, expected]: Rule): Rule => [
  path,
  (value, experiment) => value === undefined || holds(value, experiment),
  expected,
];

const rules: readonly Rule[] = [
  [
    "name",
    (name) => /^[a-z0-9_-]+$/.test(String(name)),
    "lower case letters, digits, _ and -",
  ],
  ["seed", isSeed, "a whole number from 0"],
  oneOf("sampler.kind", ["own", ...samplerKinds]),
  count("sampler.steps"),
  oneOf("superNet.granularity", allGranularities),
  optional(oneOf("superNet.backup", ["output", "residual"])),
  count("search.batch"),
  oneOf("search.fit", ["bisection", "greedy"]),
  oneOf("cost", ["macs", "latency"]),
  [
    "sparsity",
    (values) => isSetOf(values, (s) => Number(s) > 0 && Number(s) < 1),
    "different numbers between 0 and 1",
  ],
  [
    "methods",
    (values) => isSetOf(values, (name) => methodNames.includes(String(name))),
    `different names among ${methodNames.join(", ")}`,
  ],
  [
    "mainMethod",
    (name, { methods }) => methods.includes(String(name)),
    "one of the experiment's methods",
  ],
  count("evaluation.pairs"),
  [
    "evaluation.seed",
    (value, { seed }) => isSeed(value) && value !== seed,
    "a whole number from 0 that is not the search's seed",
  ],
  count("evaluation.batch"),
  optional(oneOf("evaluation.seedPer", ["prompt", "batch"])),
  [
    "search.evolution",
    (_, { search: { evolution }, methods }) =>
      evolution
        ? isCount(evolution.population) &&
          (evolution.evaluations === "equal-cost" ||
            isCount(evolution.evaluations))
        : !methods.some((name) =>
          name === "genetic" || name === "random-search"
        ),
    "evaluations (a whole number from 1, or equal-cost) and population (a whole number from 1), which genetic and random-search need",
  ],
  [
    "latency.batches",
    (values) => isSetOf(values, isCount),
    "different whole numbers from 1",
  ],
  count("latency.rounds"),
];

/**
 * Checks what types cannot say, before any work.
 *
 * @throws {RangeError} If a value is out of range or unknown; the message names its path.
 */
export function checkExperiment(experiment: Experiment): void {
  for (const [path, holds, expected] of rules) {
    const value = valueAt(experiment, path);
    if (holds(value, experiment)) continue;
    throw new RangeError(
      `Cannot run experiment ${experiment.name}: ${path} is ${
        JSON.stringify(value)
      }, expected ${expected}`,
    );
  }
  checkMetrics(experiment);
}
