/** The options of `deno task export`, and the request that they make. */
import { precisions } from "@dip-go/core/runtime";
import { generateForm } from "../generate/generate_options.ts";
import { int8Rows } from "../options/int8_choice.ts";
import { gatesRows, modelRows, samplerRows } from "../options/model_rows.ts";
import {
  type CommandForm,
  dashed,
  flag,
  oneOf,
  type OptionValues,
  path,
  required,
  text,
  whole,
} from "../options/option_table.ts";

const runRows = {
  sparsity: text(
    "<s>",
    "Which of its SubNets: its sparsity, or its budget, as in 90ms",
    { heading: "Of a run of an experiment:" },
  ),
  method: text(
    "<name>",
    "By which method (default: the experiment's main one)",
  ),
};

const ownRows = {
  config: modelRows.config,
  weights: modelRows.weights,
  ...samplerRows,
  "exact-size": generateForm.options["exact-size"],
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

/** One of a run's SubNets. */
export interface RunSubject {
  readonly run: string;
  /** The target as plans' names have it: 0.5 or 90ms. */
  readonly target: string;
  /** The name of the method; undefined for the experiment's main method. */
  readonly method: string | undefined;
}

/** A model's full sampler, or a SubNet by its gates; undefined options default to those of the model's kind. */
export interface ModelSubject extends OptionValues<typeof ownRows> {
  readonly model: string;
}

/**
 * The request of a command line.
 *
 * @throws {RangeError} If an option is missing, or does not fit the subject.
 */
export function exportRequest(
  { sparsity, method, model, ...values }: OptionValues<
    typeof exportForm.options
  >,
  words: readonly string[],
) {
  const { batch, precision, textEncoder, latents, link, ...others } = values;
  const { noExample, class: label, prompt, seed, int8, o, ...own } = others;
  if (label !== undefined && prompt !== undefined) {
    throw new RangeError(
      "Cannot export: found --class and --prompt, expected one of them",
    );
  }
  return {
    output: required(o, exportForm, "-o <folder>"),
    subject: subjectOf([{ sparsity, method }, { model, ...own }], words),
    form: { batch, precision, textEncoder, latents, link },
    /** The path of the file that names the weights in 8 bits. */
    int8,
    /** The subject and the seed of the example; null for no example. */
    example: noExample ? null : { seed, class: label, prompt },
  };
}

function subjectOf(
  [ofRun, { model, ...ofModel }]: readonly [
    OptionValues<typeof runRows>,
    OptionValues<typeof ownRows> & { readonly model: string | undefined },
  ],
  [run, ...others]: readonly string[],
): RunSubject | ModelSubject {
  if (others.length > 0 || (run === undefined) === (model === undefined)) {
    throw new RangeError(
      "Cannot export: expected one run folder, or --model <folder>; see --help",
    );
  }
  const foreign = Object.entries(model === undefined ? ofModel : ofRun);
  const odd = foreign.find(([, value]) => (value ?? false) !== false);
  if (odd) {
    throw new RangeError(
      `Cannot export: ${dashed(odd[0])} is an option ${
        model === undefined
          ? "of --model, not of a run"
          : "of a run, not of a model"
      }`,
    );
  }
  if (model !== undefined) return { model, ...ofModel };
  const target = required(ofRun.sparsity, exportForm, "--sparsity <s>")
    .replace(/^[\d.]+/, (digits) => `${Number(digits)}`); // as 0.50
  return { run, target, method: ofRun.method };
}
