/** What `deno task export` is asked for on the command line. */
import { parseArgs } from "@std/cli/parse-args";
import { allGranularities, type Granularity } from "@dip-go/core/models";
import { type Precision, precisions } from "@dip-go/core/runtime";
import { type SamplerKind, samplerKinds } from "@dip-go/core/samplers";
import {
  choiceOption,
  numberOption,
  type OptionSource,
  wholeOption,
} from "../options/option_values.ts";

export const exportHelp =
  `Writes a SubNet as one ONNX file that samples: noise in, pictures out.

Usage: deno task export <run folder> --sparsity <s> [options] -o folder
       deno task export --model <folder or name> [--gates <file>] [options] -o folder

Of a run of an experiment:
  --sparsity <s>         Which of its SubNets
  --method <name>        By which method (default: the experiment's main one)

Of a model:
  --model <folder>       Pipeline in diffusers layout, or owner/name[@revision] on the hub
  --weights <file>       Weights of the network, if not those of its folder
  --gates <file>         gates.json of a SubNet, or a plan of a run; the full sampler without it
  --sampler <name>       ${samplerKinds.join(", ")} (default: the model's own)
  --steps <n>            Steps of the sampler (default 20; 50 in a model that reads text)
  --guidance-scale <s>   Classifier-free guidance (default 2; 7.5 in a model that reads text)
  --granularity <g>      Units of the gates: ${allGranularities.join(", ")}
                         (default sublayer; branch of a UNet)

Of the file:
  --batch <n>            Pictures at once (default 1)
  --precision <p>        Of weights and products: ${
    precisions.join(", ")
  } (default float32);
                         inputs and outputs are float32 always
  --text-encoder         With the text tower in front: token ids in, in place of features
  --latents              Without the decoder behind: latents out
  --link                 Hard-link the model's weights instead of copying them
  --no-example           Without example inputs and the pictures that they give
  --class <id>           Class of the example (default 0)
  --prompt <text>        Prompt of the example
  --seed <n>             Seed of its noise (default 0)
  -o <folder>            Where to write
  --help                 Print this`;

/** What the command line asks for. */
export interface ExportRequest {
  readonly subject: RunSubject | ModelSubject;
  readonly batch: number;
  readonly precision: Precision;
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

/** A model's full sampler, or a SubNet by its gates. */
export interface ModelSubject {
  readonly model: string;
  readonly weights: string | undefined;
  readonly gates: string | undefined;
  readonly sampler: SamplerKind | undefined;
  /** That of the model's kind if undefined, as the next two. */
  readonly steps: number | undefined;
  readonly guidanceScale: number | undefined;
  readonly granularity: Granularity | undefined;
}

/** An example's noise and what it is of; a model takes the one that it reads. */
export interface Example {
  readonly seed: number;
  readonly class: number;
  readonly prompt: string | undefined;
}

const runOnly = ["sparsity", "method"] as const;
const modelOnly = [
  "weights",
  "gates",
  "sampler",
  "steps",
  "guidance-scale",
  "granularity",
] as const;

type Given = Readonly<Record<string, string | undefined>>;

/** @throws {RangeError} If an option is unknown, missing or not of its kind. */
export function parseExport(args: readonly string[]): ExportRequest | "help" {
  const parsed = parseArgs([...args], {
    boolean: ["help", "text-encoder", "latents", "link", "example"],
    negatable: ["example"],
    string: [
      ...runOnly,
      ...modelOnly,
      "model",
      "batch",
      "precision",
      "class",
      "prompt",
      "seed",
      "o",
      "_",
    ],
    default: {
      batch: "1",
      precision: "float32",
      seed: "0",
      class: "0",
      example: true,
    },
    alias: { help: "h" },
    unknown(option: string, key?: string) {
      if (!key) return true;
      throw new RangeError(
        `Cannot export: unknown option ${option}; see --help`,
      );
    },
  });
  if (parsed.help) return "help";
  const given = parsed as unknown as Given;
  if (!given.o) {
    throw new RangeError("Cannot export: -o <folder> is missing; see --help");
  }
  return {
    subject: subjectOf(parsed._.map(String), given),
    batch: whole(given, "batch", 1)!,
    precision: oneOf(precisions, given, "precision")!,
    textEncoder: parsed["text-encoder"],
    latents: parsed.latents,
    link: parsed.link,
    example: parsed.example
      ? {
        seed: whole(given, "seed", 0)!,
        class: whole(given, "class", 0)!,
        prompt: given.prompt,
      }
      : null,
    output: given.o,
  };
}

function subjectOf(
  runs: readonly string[],
  given: Given,
): RunSubject | ModelSubject {
  if (runs.length + (given.model === undefined ? 0 : 1) !== 1) {
    throw new RangeError(
      "Cannot export: expected one run folder, or --model <folder>; see --help",
    );
  }
  const [run] = runs;
  const foreign = run === undefined ? runOnly : modelOnly;
  const odd = foreign.find((name) => given[name] !== undefined);
  if (odd) {
    throw new RangeError(
      `Cannot export: --${odd} is an option ${
        run === undefined
          ? "of a run, not of a model"
          : "of --model, not of a run"
      }`,
    );
  }
  return run === undefined ? modelSubject(given) : runSubject(run, given);
}

function runSubject(run: string, given: Given): RunSubject {
  const sparsity = number(given, "sparsity");
  if (sparsity === undefined) {
    throw new RangeError(
      "Cannot export: --sparsity <s> is missing; see --help",
    );
  }
  return { run, sparsity, method: given.method };
}

const modelSubject = (given: Given): ModelSubject => ({
  model: given.model!,
  weights: given.weights,
  gates: given.gates,
  sampler: oneOf(samplerKinds, given, "sampler"),
  steps: whole(given, "steps", 1),
  guidanceScale: number(given, "guidance-scale"),
  granularity: oneOf(allGranularities, given, "granularity"),
});

const sourceOf = (given: Given, name: string): OptionSource => ({
  refusal: "Cannot export",
  name,
  text: given[name],
});

function whole(given: Given, name: string, least: number): number | undefined {
  const source = sourceOf(given, name);
  return source.text === undefined ? undefined : wholeOption(source, least);
}

function number(given: Given, name: string): number | undefined {
  const source = sourceOf(given, name);
  return source.text === undefined ? undefined : numberOption(source);
}

function oneOf<T extends string>(
  known: readonly T[],
  given: Given,
  name: string,
): T | undefined {
  const source = sourceOf(given, name);
  return source.text === undefined ? undefined : choiceOption(source, known);
}
