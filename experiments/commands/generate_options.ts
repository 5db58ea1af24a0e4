/** What `deno task generate` is asked for on the command line. */
import { parseArgs } from "@std/cli/parse-args";
import { allGranularities, type Granularity } from "@dip-go/core/models";
import {
  type Device,
  devices,
  type Precision,
  precisions,
} from "@dip-go/core/runtime";
import { type SamplerKind, samplerKinds } from "@dip-go/core/samplers";
import {
  choiceOption,
  numberOption,
  type OptionSource,
  wholeOption,
} from "./options/option_values.ts";

export const generateHelp = `Generates pictures of a class or of a prompt.

Usage: deno task generate [options] -o image.png

Options:
  --model <folder or name>   Pipeline in diffusers layout, or owner/name[@revision] on the hub (default zoo/models/dit-shapes)
  --weights <file>           Weights of the network, if not those of its folder
  --class <id>               Class, of a DiT in pixel space (default 0)
  --prompt <text>            What to show, of a Stable Diffusion (1, 2, XL) or PixArt pipeline
  --negative-prompt <text>   What guidance leads away from (default "")
  --batch <n>                Pictures, side by side (default 1)
  --sampler <name>           ${
  samplerKinds.join(", ")
} (default: the model's own)
  --steps <n>                Steps of the sampler (default 20; 50 for a prompt)
  --guidance-scale <s>       Classifier-free guidance (default 2; 7.5 for a prompt)
  --seed <n>                 Seed of the initial noise, as torch.manual_seed (default 0)
  --gates <file>             gates.json of a SubNet, or a plan of a run; all blocks run without it
  --granularity <g>          Units of the gates: ${
  allGranularities.join(", ")
} (default sublayer; branch of a UNet)
  --device <d>               ${devices.join(", ")} (default cpu)
  --precision <p>            ${precisions.join(", ")} (default float32)
  --scale <n>                Pixels per pixel (default 8; 1 for a prompt)
  -o <file>                  PNG to write
`;

/** What the command line asks for. */
export interface GenerateOptions {
  readonly model: string;
  /** Path of the network's weights, if not in its folder. */
  readonly weights: string | undefined;
  /** A class id, or a prompt and what guidance leads away from. */
  readonly subject: number | {
    readonly prompt: string;
    readonly negativePrompt: string;
  };
  readonly batch: number;
  /** The model's own if undefined. */
  readonly sampler: SamplerKind | undefined;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly seed: number;
  readonly gates: string | undefined;
  /** The model's usual one if undefined. */
  readonly granularity: Granularity | undefined;
  readonly device: Device;
  readonly precision: Precision;
  readonly scale: number;
  readonly output: string;
}

const always = {
  model: "zoo/models/dit-shapes",
  "negative-prompt": "",
  batch: "1",
  seed: "0",
  device: "cpu",
  precision: "float32",
};
const ofClass = {
  class: "0",
  steps: "20",
  "guidance-scale": "2",
  scale: "8",
};
const ofPrompt = {
  steps: "50",
  "guidance-scale": "7.5",
  scale: "1",
};

type Given = Readonly<Record<string, string | undefined>>;

/**
 * @throws {RangeError} If an option is unknown or its value is not of its kind.
 */
export function parseGenerate(
  args: readonly string[],
): GenerateOptions | "help" {
  const spoken = args.filter((arg) => arg !== ""); // an option without a value is "" as well
  const parsed = parseArgs(spoken, {
    boolean: ["help"],
    string: [
      ...Object.keys({ ...always, ...ofClass }),
      "weights",
      "prompt",
      "sampler",
      "granularity",
      "gates",
      "o",
    ],
    alias: { help: "h" },
    unknown(arg: string) {
      throw new RangeError(
        `Cannot generate: unknown option ${arg}; see --help`,
      );
    },
  });
  if (parsed.help) return "help";
  const given = parsed as unknown as Given;
  const defaults = given.prompt === undefined ? ofClass : ofPrompt;
  const known = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  return optionsOf({ ...always, ...defaults, ...known });
}

function optionsOf(given: Given): GenerateOptions {
  const { prompt, sampler, granularity } = given;
  if (prompt !== undefined && given.class !== undefined) {
    throw new RangeError(
      "Cannot generate: found --class and --prompt, expected one of them",
    );
  }
  if (!given.o) {
    throw new RangeError("Cannot generate: -o <file> is missing; see --help");
  }
  return {
    model: given.model!,
    weights: given.weights,
    subject: prompt === undefined
      ? wholeOption(sourceOf(given, "class"), 0)
      : { prompt, negativePrompt: given["negative-prompt"]! },
    batch: wholeOption(sourceOf(given, "batch"), 1),
    sampler: sampler === undefined
      ? undefined
      : choiceOption(sourceOf(given, "sampler"), samplerKinds),
    steps: wholeOption(sourceOf(given, "steps"), 1),
    guidanceScale: numberOption(sourceOf(given, "guidance-scale")),
    seed: wholeOption(sourceOf(given, "seed"), 0),
    gates: given.gates,
    granularity: granularity === undefined
      ? undefined
      : choiceOption(sourceOf(given, "granularity"), allGranularities),
    device: choiceOption(sourceOf(given, "device"), devices),
    precision: choiceOption(sourceOf(given, "precision"), precisions),
    scale: wholeOption(sourceOf(given, "scale"), 1),
    output: given.o,
  };
}

const sourceOf = (given: Given, name: string): OptionSource => ({
  refusal: "Cannot generate",
  name,
  text: given[name],
});
