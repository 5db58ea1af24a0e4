/** What `deno task generate` is asked for on the command line. */
import { allGranularities, type Granularity } from "@dip-go/core/models";
import {
  type Device,
  devices,
  type Precision,
  precisions,
} from "@dip-go/core/runtime";
import { type SamplerKind, samplerKinds } from "@dip-go/core/samplers";
import { Options } from "../options/options.ts";

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

const ofClass = { class: "0", steps: "20", "guidance-scale": "2", scale: "8" };
const ofPrompt = { steps: "50", "guidance-scale": "7.5", scale: "1" };

const optionsIn = (args: readonly string[], defaults: typeof ofPrompt) =>
  new Options(args, {
    refusal: "Cannot generate",
    values: {
      model: "zoo/models/dit-shapes",
      weights: undefined,
      class: undefined,
      prompt: undefined,
      "negative-prompt": "",
      batch: "1",
      sampler: undefined,
      seed: "0",
      gates: undefined,
      granularity: undefined,
      device: "cpu",
      precision: "float32",
      o: undefined,
      ...defaults,
    },
  });

/**
 * @throws {TypeError} If an option is unknown.
 * @throws {RangeError} If an option's value is missing or not of its kind.
 */
export function parseGenerate(
  args: readonly string[],
): GenerateOptions | "help" {
  const spoken = args.filter((arg) => arg !== ""); // an option without a value is "" as well
  const typed = optionsIn(spoken, ofPrompt);
  const prompt = typed.text("prompt");
  if (prompt !== undefined && typed.text("class") !== undefined) {
    throw new RangeError(
      "Cannot generate: found --class and --prompt, expected one of them",
    );
  }
  const options = prompt === undefined ? optionsIn(spoken, ofClass) : typed;
  if (options.has("help")) return "help";
  const output = options.text("o");
  if (!output) {
    throw new RangeError("Cannot generate: -o <file> is missing; see --help");
  }
  return {
    model: options.text("model")!,
    weights: options.text("weights"),
    subject: prompt === undefined
      ? options.whole("class", 0)
      : { prompt, negativePrompt: options.text("negative-prompt")! },
    batch: options.whole("batch", 1),
    sampler: options.choiceOrNone("sampler", samplerKinds),
    steps: options.whole("steps", 1),
    guidanceScale: options.number("guidance-scale"),
    seed: options.whole("seed", 0),
    gates: options.text("gates"),
    granularity: options.choiceOrNone("granularity", allGranularities),
    device: options.choice("device", devices),
    precision: options.choice("precision", precisions),
    scale: options.whole("scale", 1),
    output,
  };
}
