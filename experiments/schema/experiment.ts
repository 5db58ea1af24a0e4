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
import { metricRecord, metricsContradiction } from "./metric_records.ts";

const nameWords = "lower case letters, digits, _ and -";

const fields = (search: typeof classSettings) =>
  record({
    /** As typed on the command line, and the folder under `results/`. */
    name: v.pipe(
      v.string(nameWords),
      v.regex(/^[a-z0-9_-]+$/, nameWords),
    ),
    /** One line for `--list`. */
    description: v.optional(v.string(), ""),
    /** Of every search. */
    seed: v.optional(wholeFrom(0), 0),
    /** Folder in diffusers layout, or its name on the hub. */
    model: text("a model's folder or name on the hub"),
    /** In a model that reads text: files of prompts, one a line; what is evaluated is nothing that a search has seen. */
    prompts: v.optional(record({
      search: text("a file of prompts"),
      evaluation: text("a file of prompts"),
    })),
    sampler: record({
      /** "own" is the one that the model's folder names. */
      kind: v.optional(oneOf(["own", ...samplerKinds]), "own"),
      /** As the sampler counts them: PNDM calls the model once more. */
      steps: wholeFrom(1),
      guidanceScale: weight,
      /** Tokens that T5 reads of a prompt, or rows of zeros in its place; those of the pipeline's kind by default. */
      maxSequenceLength: v.optional(wholeFrom(1)),
      /** Of the pictures, in pixels; those that the model was trained with by default. */
      height: v.optional(wholeFrom(1)),
      width: v.optional(wholeFrom(1)),
    }),
    superNet: record({
      /** Units of the model's family. */
      granularity: oneOf(allGranularities),
      /** What backup connections hold; the granularity's own by default. */
      backup: v.optional(oneOf(["output", "residual"])),
    }),
    search: v.optional(search, {}),
    /**
     * What budgets are fractions of: the full sampler's MACs, or the time that it
     * takes on this device.
     */
    cost: v.optional(oneOf(["macs", "latency"]), "macs"),
    /** Removed fractions of the full sampler's cost; a budget is never exceeded. */
    sparsity: v.optional(different(fraction)),
    /** In the place of `sparsity`: milliseconds that the sampler may take for a picture, without text encoders and decoder; `cost` is latency then. */
    budgetMs: v.optional(different(positive)),
    /** In the order of the table: a method's name, or a record of its kind and settings that are its own. */
    methods: methodChoices,
    /** The row name of the method that every other is paired with at its sparsity; the last by default. */
    mainMethod: v.optional(v.string()),
    evaluation: v.optional(
      record({
        /** Images, each from its own noise, of its own class or prompt. */
        pairs: v.optional(wholeFrom(1), 64),
        /** Of noise and subjects; another than the searches'. */
        seed: v.optional(wholeFrom(0), 1000),
        batch: v.optional(wholeFrom(1), 8),
        /** Noise anew for each pair, by default; or the same again in every batch, as DiP-GO's companion code reseeds. */
        seedPer: v.optional(oneOf(["prompt", "batch"])),
      }),
      {},
    ),
    /** What is measured of the pictures, in the order of the table. */
    metrics: v.optional(v.array(metricRecord), [
      { kind: "psnr" },
      { kind: "ssim" },
    ]),
    latency: v.optional(
      record({
        /** The first is that of the `Latency` and `Speedup` columns. */
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

/** Search settings default to those of its kind of model. */
const experimentSchema = v.lazy((value): v.GenericSchema<unknown, Experiment> =>
  (value as Partial<Experiment> | null)?.prompts ? ofPrompts : ofClasses
);

/** What an experiment's file has to say; the rest has defaults. */
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
  return metricsContradiction(metrics, prompts !== undefined);
}

/**
 * Checks an experiment before any work.
 *
 * @returns It with defaults filled in.
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
