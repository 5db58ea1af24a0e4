/** What `deno task export` is asked for on the command line. */
import { allGranularities, type Granularity } from "@dip-go/core/models";
import { type Precision, precisions } from "@dip-go/core/runtime";
import { type SamplerKind, samplerKinds } from "@dip-go/core/samplers";
import { Options } from "../options/options.ts";

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

const runOnly = ["sparsity", "method"];
const modelOnly = [
  "weights",
  "gates",
  "sampler",
  "steps",
  "guidance-scale",
  "granularity",
];

const none = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, undefined]));

/**
 * @throws {TypeError} If an option is unknown.
 * @throws {RangeError} If an option is missing, does not fit the subject or is not of its kind.
 */
export function parseExport(args: readonly string[]): ExportRequest | "help" {
  const options = new Options(args, {
    refusal: "Cannot export",
    flags: ["text-encoder", "latents", "link", "no-example"],
    values: {
      ...none([...runOnly, ...modelOnly, "model", "prompt", "o"]),
      batch: "1",
      precision: "float32",
      class: "0",
      seed: "0",
    },
    words: true,
  });
  if (options.has("help")) return "help";
  return {
    output: required(options, "o", "-o <folder>"),
    subject: subjectOf(options),
    batch: options.whole("batch", 1),
    precision: options.choice("precision", precisions),
    textEncoder: options.has("text-encoder"),
    latents: options.has("latents"),
    link: options.has("link"),
    example: options.has("no-example") ? null : {
      seed: options.whole("seed", 0),
      class: options.whole("class", 0),
      prompt: options.text("prompt"),
    },
  };
}

function required(options: Options, name: string, words: string): string {
  const text = options.text(name);
  if (text) return text;
  throw new RangeError(`Cannot export: ${words} is missing; see --help`);
}

function subjectOf(options: Options): RunSubject | ModelSubject {
  const [run, ...others] = options.words;
  const model = options.text("model");
  if (others.length > 0 || (run === undefined) === (model === undefined)) {
    throw new RangeError(
      "Cannot export: expected one run folder, or --model <folder>; see --help",
    );
  }
  const foreign = run === undefined ? runOnly : modelOnly;
  const odd = foreign.find((name) => options.text(name) !== undefined);
  if (odd) {
    throw new RangeError(
      `Cannot export: --${odd} is an option ${
        run === undefined
          ? "of a run, not of a model"
          : "of --model, not of a run"
      }`,
    );
  }
  if (run !== undefined) {
    required(options, "sparsity", "--sparsity <s>");
    const sparsity = options.number("sparsity");
    return { run, sparsity, method: options.text("method") };
  }
  return {
    model: model!,
    weights: options.text("weights"),
    gates: options.text("gates"),
    sampler: options.choiceOrNone("sampler", samplerKinds),
    steps: options.wholeOrNone("steps", 1),
    guidanceScale: options.text("guidance-scale") === undefined
      ? undefined
      : options.number("guidance-scale"),
    granularity: options.choiceOrNone("granularity", allGranularities),
  };
}
