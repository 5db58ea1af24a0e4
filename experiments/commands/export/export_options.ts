/** What `deno task export` is asked for on the command line. */
import { precisions } from "@dip-go/core/runtime";
import type { Precision } from "@dip-go/core/runtime";
import type { SamplerOptions } from "@dip-go/core/pipeline";
import { int8Rows } from "../options/int8_choice.ts";
import { gatesRows, modelRows, samplerRows } from "../options/model_rows.ts";
import {
  type CommandForm,
  flag,
  number,
  oneOf,
  type OptionValues,
  path,
  text,
  whole,
} from "../options/option_table.ts";

const runRows = {
  sparsity: number("<s>", "Which of its SubNets", {
    heading: "Of a run of an experiment:",
  }),
  method: text(
    "<name>",
    "By which method (default: the experiment's main one)",
  ),
};

const ownRows = {
  config: modelRows.config,
  weights: modelRows.weights,
  ...samplerRows,
  ...gatesRows,
};

export const exportForm = {
  refusal: "Cannot export",
  about:
    "Writes a SubNet as one ONNX file that samples: noise in, pictures out.",
  usage: [
    "deno task export <run folder> --sparsity <s> [options] -o folder",
    "deno task export --model <folder or name> [--gates <file>] [options] -o folder",
  ],
  words: {},
  options: {
    ...runRows,
    model: path(
      "<folder or name>",
      "Pipeline in diffusers layout, or owner/name[@revision] on the hub",
      { heading: "Of a model:" },
    ),
    ...ownRows,
    batch: whole(1)("<n>", "Pictures at once", {
      default: "1",
      heading: "Of the file:",
    }),
    precision: oneOf(precisions)(
      "<p>",
      `Of weights and products: ${
        precisions.join(", ")
      }; inputs and outputs are float32 always`,
      { default: "float32" },
    ),
    ...int8Rows,
    "text-encoder": flag(
      "With the text tower in front: token ids in, in place of features",
    ),
    latents: flag("Without the decoder behind: latents out"),
    link: flag("Hard-link the model's weights instead of copying them"),
    "no-example": flag(
      "Without example inputs and the pictures that they give",
    ),
    class: whole(0)("<id>", "Class of the example (default 0)"),
    prompt: text("<text>", "Prompt of the example"),
    seed: whole(0)("<n>", "Seed of its noise", { default: "0" }),
    o: path("<folder>", "Where to write"),
  },
} satisfies CommandForm;

type Values = OptionValues<typeof exportForm.options>;

/** What the command line asks for. */
export interface ExportRequest {
  readonly subject: RunSubject | ModelSubject;
  readonly batch: number;
  readonly precision: Precision;
  /** Path of the choice of 8-bit products. */
  readonly int8?: string;
  readonly textEncoder: boolean;
  readonly latents: boolean;
  readonly link: boolean;
  /** What the example is of; null for none. */
  readonly example: Example | null;
  readonly output: string;
}

/** One of a run's SubNets. */
export interface RunSubject {
  readonly run: string;
  readonly sparsity: number;
  /** The experiment's main one if undefined. */
  readonly method: string | undefined;
}

/** A model's full sampler, or a SubNet by its gates; what is undefined is that of the model's kind. */
export interface ModelSubject extends Omit<SamplerOptions, "backup"> {
  readonly model: string;
  readonly weights?: string;
  readonly config?: string;
  readonly gates?: string;
}

/** An example's noise and what it is of. */
export interface Example {
  readonly seed: number;
  readonly class: number | undefined;
  readonly prompt: string | undefined;
}

/** @throws {RangeError} If an option is missing, or does not fit the subject. */
export function exportRequest(
  values: Values,
  words: readonly string[],
): ExportRequest {
  const { batch, precision, int8, latents, link, seed, prompt } = values;
  return {
    output: required(values.o, "-o <folder>"),
    subject: subjectOf(values, words),
    batch,
    precision,
    int8,
    textEncoder: values["text-encoder"],
    latents,
    link,
    example: values["no-example"]
      ? null
      : { seed, class: values.class, prompt },
  };
}

function required<Value>(value: Value | undefined, words: string): Value {
  if (value !== undefined) return value;
  throw new RangeError(`Cannot export: ${words} is missing; see --help`);
}

function subjectOf(
  values: Values,
  [run, ...others]: readonly string[],
): RunSubject | ModelSubject {
  const { model } = values;
  if (others.length > 0 || (run === undefined) === (model === undefined)) {
    throw new RangeError(
      "Cannot export: expected one run folder, or --model <folder>; see --help",
    );
  }
  const foreign = Object.keys(run === undefined ? runRows : ownRows);
  const odd = foreign.find((name) =>
    values[name as keyof Values] !== undefined
  );
  if (odd) {
    throw new RangeError(
      `Cannot export: --${odd} is an option ${
        run === undefined
          ? "of a run, not of a model"
          : "of --model, not of a run"
      }`,
    );
  }
  if (model === undefined) {
    const sparsity = required(values.sparsity, "--sparsity <s>");
    return { run, sparsity, method: values.method };
  }
  const { weights, config, gates, sampler: kind, steps, granularity } = values;
  const { height, width, "guidance-scale": guidanceScale } = values;
  const maxSequenceLength = values["max-sequence-length"];
  return {
    model,
    weights,
    config,
    gates,
    kind,
    steps,
    granularity,
    guidanceScale,
    maxSequenceLength,
    height,
    width,
  };
}
