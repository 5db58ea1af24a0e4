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

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;
const isSeed = (value: number) => Number.isSafeInteger(value) && value >= 0;
const isSet = (values: readonly unknown[]) =>
  values.length > 0 && new Set(values).size === values.length;
const methodNames = methods.map(({ name }) => name);

// path, what must hold, in words
const rules: readonly [string, (e: Experiment) => boolean, string][] = [
  [
    "name",
    (e) => /^[a-z0-9_-]+$/.test(e.name),
    "lower case letters, digits, _ and -",
  ],
  ["seed", (e) => isSeed(e.seed), "a whole number from 0"],
  [
    "sampler.kind",
    (e) => ["own", ...samplerKinds].includes(e.sampler.kind),
    `one of own, ${samplerKinds.join(", ")}`,
  ],
  ["sampler.steps", (e) => isCount(e.sampler.steps), "a whole number from 1"],
  [
    "superNet.granularity",
    (e) => allGranularities.includes(e.superNet.granularity),
    `one of ${allGranularities.join(", ")}`,
  ],
  [
    "superNet.backup",
    (e) => [undefined, "output", "residual"].includes(e.superNet.backup),
    "output or residual",
  ],
  ["search.batch", (e) => isCount(e.search.batch), "a whole number from 1"],
  [
    "search.fit",
    (e) => ["bisection", "greedy"].includes(e.search.fit),
    "bisection or greedy",
  ],
  ["cost", (e) => ["macs", "latency"].includes(e.cost), "macs or latency"],
  [
    "sparsity",
    (e) => isSet(e.sparsity) && e.sparsity.every((s) => s > 0 && s < 1),
    "different numbers between 0 and 1",
  ],
  [
    "methods",
    (e) =>
      isSet(e.methods) && e.methods.every((name) => methodNames.includes(name)),
    `different names among ${methodNames.join(", ")}`,
  ],
  [
    "mainMethod",
    (e) => e.methods.includes(e.mainMethod),
    "one of the experiment's methods",
  ],
  [
    "evaluation.pairs",
    (e) => isCount(e.evaluation.pairs),
    "a whole number from 1",
  ],
  [
    "evaluation.seed",
    (e) => isSeed(e.evaluation.seed) && e.evaluation.seed !== e.seed,
    "a whole number from 0 that is not the search's seed",
  ],
  [
    "evaluation.batch",
    (e) => isCount(e.evaluation.batch),
    "a whole number from 1",
  ],
  [
    "evaluation.seedPer",
    (e) => [undefined, "prompt", "batch"].includes(e.evaluation.seedPer),
    "prompt or batch",
  ],
  [
    "search.evolution",
    ({ search: { evolution }, methods }) =>
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
    (e) => isSet(e.latency.batches) && e.latency.batches.every(isCount),
    "different whole numbers from 1",
  ],
  ["latency.rounds", (e) => isCount(e.latency.rounds), "a whole number from 1"],
];

/**
 * Checks what types cannot say, before any work.
 *
 * @throws {RangeError} If a value is out of range or unknown; the message names its path.
 */
export function checkExperiment(experiment: Experiment): void {
  for (const [path, holds, expected] of rules) {
    if (holds(experiment)) continue;
    throw new RangeError(
      `Cannot run experiment ${experiment.name}: ${path} is ${
        JSON.stringify(valueAt(experiment, path))
      }, expected ${expected}`,
    );
  }
  checkMetrics(experiment);
}
