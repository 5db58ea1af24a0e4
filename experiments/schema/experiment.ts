/** An experiment as plain data: everything that changes a number, and nothing else. */
import {
  conform,
  type Conformed,
  type Contradiction,
  different,
  fraction,
  type Given,
  oneOf,
  positive,
  record,
  text,
  together,
  weight,
  wholeFrom,
} from "@dip-go/core/files";
import { allGranularities } from "@dip-go/core/models";
import { samplerKinds } from "@dip-go/core/samplers";
import {
  classSettings,
  methodChoices,
  methodOf,
  promptSettings,
  searchOf,
  type SearchSettings,
} from "@dip-go/pruner/methods";
import * as v from "valibot";
import {
  metricRecord,
  metricsContradiction,
  referenceSteps,
} from "./metric_records.ts";

const nameWords = "lower case letters, digits, _ and -";

const fields = (search: typeof classSettings) =>
  record({
    /** The experiment's name on the command line and of its folder under `results/`. */
    name: v.pipe(
      v.string(nameWords),
      v.regex(/^[a-z0-9_-]+$/, nameWords),
    ),
    /** A description in one line, for `--list`. */
    description: v.optional(v.string(), ""),
    /** The seed of every search. */
    seed: v.optional(wholeFrom(0), 0),
    /** The model's folder in diffusers layout, or its name on the hub. */
    model: text("a model's folder or name on the hub"),
    /** Files of prompts, one a line, if the model reads text; searches never see the evaluation's prompts. */
    prompts: v.optional(record({
      search: text("a file of prompts"),
      evaluation: text("a file of prompts"),
    })),
    sampler: record({
      /** The kind of sampler; "own" is the scheduler that the model's folder names. */
      kind: v.optional(oneOf(["own", ...samplerKinds]), "own"),
      /** The number of steps as the sampler counts them: PNDM calls the model once more. */
      steps: wholeFrom(1),
      guidanceScale: weight,
      /** Tokens of a prompt that T5 reads, or rows of zeros instead of T5; by default the pipeline kind's. */
      maxSequenceLength: v.optional(wholeFrom(1)),
      /** The pictures' height and width in pixels; by default the size that the model was trained with. */
      height: v.optional(wholeFrom(1)),
      width: v.optional(wholeFrom(1)),
    }),
    superNet: record({
      /** The granularity of the units, one of the model family's. */
      granularity: oneOf(allGranularities),
      /** The kind of value that backup connections hold; the granularity's own by default. */
      backup: v.optional(oneOf(["output", "residual"])),
    }),
    search: v.optional(search, {}),
    /** The cost that budgets are fractions of: the full sampler's MACs, or its time on this device. */
    cost: v.optional(oneOf(["macs", "latency"]), "macs"),
    /** Removed fractions of the full sampler's cost; a budget is never exceeded. */
    sparsity: v.optional(different(fraction)),
    /**
     * Budgets instead of `sparsity`: milliseconds that the sampler may take for a
     * picture, without text encoders and decoder; `cost` is then latency.
     */
    budgetMs: v.optional(different(positive)),
    /** The methods in the order of the table: a name, or a record of a kind and its own settings. */
    methods: methodChoices,
    /** The row name of the method that all others of a sparsity are paired with; the last by default. */
    mainMethod: v.optional(v.string()),
    evaluation: v.optional(
      record({
        /** The number of images, each from its own noise and of its own class or prompt. */
        pairs: v.optional(wholeFrom(1), 64),
        /** The seed of noise and subjects, which must differ from the searches' seed. */
        seed: v.optional(wholeFrom(0), 1000),
        batch: v.optional(wholeFrom(1), 8),
        /** "prompt" (default): new noise a pair. "batch": every batch's noise is alike, as in DiP-GO's code. */
        seedPer: v.optional(oneOf(["prompt", "batch"])),
      }),
      {},
    ),
    /** The metrics of the pictures, in the order of the table. */
    metrics: v.optional(v.array(metricRecord), [
      { kind: "psnr" },
      { kind: "ssim" },
    ]),
    latency: v.optional(
      record({
        /** The batch sizes to time; the columns `Latency` and `Speedup` have the first. */
        batches: v.optional(different(wholeFrom(1)), [1]),
        rounds: v.optional(wholeFrom(1), 3),
      }),
      {},
    ),
  });

type Fields = Conformed<ReturnType<typeof fields>>;

/** One experiment; its file default-exports it `satisfies Experiment`. */
export interface Experiment extends Fields {
  readonly mainMethod: string;
}

const experimentWith = (search: typeof classSettings) =>
  v.pipe(
    fields(search),
    v.transform((experiment) => ({
      ...experiment,
      cost: experiment.budgetMs ? "latency" : experiment.cost,
      mainMethod: experiment.mainMethod ??
        methodOf(experiment.methods.at(-1)!).name,
    })),
    together((experiment) => contradiction(experiment)),
  );

const ofClasses = experimentWith(classSettings);
const ofPrompts = experimentWith(promptSettings);

/** The schema whose search settings default by the kind of model: with prompts or with classes. */
const experimentSchema = v.lazy((value): v.GenericSchema<unknown, Experiment> =>
  (value as Partial<Experiment> | null)?.prompts ? ofPrompts : ofClasses
);

/** An experiment as its file gives it: values that have defaults may be absent. */
export type ExperimentInput = Given<typeof ofClasses>;

const isComplete = (
  evolution: Partial<NonNullable<SearchSettings["evolution"]>> = {},
): boolean =>
  evolution.evaluations !== undefined && evolution.population !== undefined;

function contradiction(
  { seed, prompts, search, methods, mainMethod, evaluation, metrics, ...own }:
    Experiment,
): Contradiction | undefined {
  const names = methods.map((each) => methodOf(each).name);
  if (!names.includes(mainMethod)) {
    return { path: ["mainMethod"], expected: `one of ${names.join(", ")}` };
  }
  if (own.sparsity && own.budgetMs) {
    return { path: ["budgetMs"], expected: "it or sparsity, not both" };
  }
  if (!own.sparsity && !own.budgetMs) {
    const expected = "fractions of the cost, or budgetMs in its place";
    return { path: ["sparsity"], expected };
  }
  if (prompts?.search === prompts?.evaluation && prompts) {
    const expected = "another file than prompts.search, which searches see";
    return { path: ["prompts", "evaluation"], expected };
  }
  // a generator reads the low 32 bits
  if ((evaluation.seed - seed) % 2 ** 32 === 0) {
    const expected = "a whole number from 0 that is not the search's seed";
    return { path: ["evaluation", "seed"], expected };
  }
  const lacking = methods.find((each) =>
    methodOf(each).settings?.includes("evolution") &&
    !isComplete(searchOf(each, search).evolution)
  );
  if (lacking) {
    const expected =
      "evaluations and population, which genetic and random-search need";
    return { path: ["search", "evolution"], expected };
  }
  const { steps } = own.sampler;
  const same = metrics.findIndex((each) => referenceSteps(each) === steps);
  if (same !== -1) {
    const path = ["metrics", same, "steps"];
    return { path, expected: "another number than the sampler's steps" };
  }
  return metricsContradiction(metrics, prompts !== undefined);
}

/**
 * Checks an experiment before any work.
 *
 * @returns The experiment with defaults filled in.
 * @throws {RangeError} If a value is impossible or a key unknown; the message names path, found and expected.
 */
export function checkExperiment(experiment: unknown): Experiment {
  const name = (experiment as Partial<Experiment> | null)?.name;
  return conform(
    experimentSchema,
    experiment,
    `run experiment ${name ?? "without a name"}`,
    RangeError,
  );
}
