/**
 * `deno task generate`: pictures of one class from a DiT folder, with the full
 * sampler or a SubNet's gates. The settings travel in the PNG's text chunks.
 */
import { parseArgs } from "@std/cli/parse-args";
import { blockGraphOf, loadModel, ofFamily } from "../core/models/load.ts";
import { TorchGenerator } from "../core/random.ts";
import {
  drawStepNoise,
  makeSampler,
  readSchedulerConfig,
  type SamplerKind,
  samplerKinds,
} from "../core/samplers/mod.ts";
import { float32, int64, type Tensor } from "../core/tensor.ts";
import { imageGrid } from "../eval/image_grid.ts";
import { writePng } from "../eval/png.ts";
import { denseGates, type GatesFile, parseGates } from "../supernet/gates.ts";
import { openSubNet } from "../supernet/fused_sub_net.ts";
import { openSubNets } from "../supernet/sub_net.ts";
import { subNetMacs } from "../supernet/liveness.ts";
import { type SuperNet, superNet } from "../supernet/super_net.ts";

const help = `Generates pictures of one class.

Usage: deno task generate [options] -o image.png

Options:
  --model <folder>      Pixel-space DiT in diffusers layout (default zoo/models/dit-shapes)
  --class <id>          Class id (default 0)
  --batch <n>           Pictures, side by side (default 1)
  --sampler <name>      ${samplerKinds.join(", ")} (default: the model's own)
  --steps <n>           Steps of the sampler (default 20)
  --guidance-scale <s>  Classifier-free guidance (default 2)
  --seed <n>            Seed of the initial noise, as torch.manual_seed (default 0)
  --gates <file>        gates.json of a SubNet; all blocks run without it
  --granularity <g>     Units of the gates: block or sublayer (default sublayer)
  --scale <n>           Pixels per pixel (default 8)
  -o <file>             PNG to write
`;

/** What the command line asks for. */
export interface GenerateOptions {
  readonly model: string;
  readonly class: number;
  readonly batch: number;
  /** The model's own if undefined. */
  readonly sampler: SamplerKind | undefined;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly seed: number;
  readonly gates: string | undefined;
  readonly granularity: "block" | "sublayer";
  readonly scale: number;
  readonly output: string;
}

const defaults = {
  model: "zoo/models/dit-shapes",
  class: "0",
  batch: "1",
  steps: "20",
  "guidance-scale": "2",
  seed: "0",
  granularity: "sublayer",
  scale: "8",
};

/**
 * @throws {RangeError} If an option is unknown or its value is not of its kind.
 */
export function parseGenerate(
  args: readonly string[],
): GenerateOptions | "help" {
  const parsed = parseArgs([...args], {
    boolean: ["help"],
    string: [...Object.keys(defaults), "sampler", "gates", "o"],
    default: defaults,
    alias: { help: "h" },
    unknown(arg: string) {
      throw new RangeError(
        `Cannot generate: unknown option ${arg}; see --help`,
      );
    },
  }) as Record<string, string>;
  if (parsed.help) return "help";
  const whole = (name: string, least: number) => {
    const value = Number(parsed[name]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new RangeError(
      `Cannot generate: --${name} is "${
        parsed[name]
      }", expected a whole number from ${least}`,
    );
  };
  const guidanceScale = Number(parsed["guidance-scale"]);
  if (!Number.isFinite(guidanceScale)) {
    throw new RangeError(
      `Cannot generate: --guidance-scale is "${
        parsed["guidance-scale"]
      }", expected a number`,
    );
  }
  const { granularity } = parsed;
  if (granularity !== "block" && granularity !== "sublayer") {
    throw new RangeError(
      `Cannot generate: --granularity is "${granularity}", expected block or sublayer`,
    );
  }
  const sampler = samplerKinds.find((kind) => kind === parsed.sampler);
  if (parsed.sampler && !sampler) {
    throw new RangeError(
      `Cannot generate: --sampler is "${parsed.sampler}", expected one of ${
        samplerKinds.join(", ")
      }`,
    );
  }
  if (!parsed.o) {
    throw new RangeError("Cannot generate: -o <file> is missing; see --help");
  }
  return {
    model: parsed.model,
    class: whole("class", 0),
    batch: whole("batch", 1),
    sampler,
    steps: whole("steps", 1),
    guidanceScale,
    seed: whole("seed", 0),
    gates: parsed.gates,
    granularity,
    scale: whole("scale", 1),
    output: parsed.o,
  };
}

async function readGates(
  path: string,
  net: SuperNet,
): Promise<GatesFile["gates"]> {
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new TypeError(
      `Cannot read gates ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const file = parseGates(json, path);
  if (file.blocks.join() !== net.units.join()) {
    throw new RangeError(
      `Cannot use gates ${path}: its units are [${file.blocks}], expected [${net.units}]`,
    );
  }
  return file.gates;
}

/** The pictures of a batch `[B, 3, H, W]`, each `[3, H, W]`. */
function split({ shape, data }: Tensor<"float32">): Tensor<"float32">[] {
  const [batch, ...picture] = shape;
  const size = data.length / batch;
  return Array.from(
    { length: batch },
    (_, b) => float32(picture, data.subarray(b * size, (b + 1) * size)),
  );
}

/** Generates the pictures and writes the PNG. */
export async function generate(options: GenerateOptions): Promise<void> {
  const model = ofFamily(
    await loadModel(options.model),
    "dit",
    `generate with ${options.model}`,
  );
  const { classes, inChannels, sampleSize } = model.config;
  if (options.class >= classes) {
    throw new RangeError(
      `Cannot generate: --class is ${options.class}, expected 0 to ${
        classes - 1
      }`,
    );
  }
  if (inChannels !== 3) {
    throw new RangeError(
      `Cannot generate with ${options.model}: its ${inChannels}-channel latents need an autoencoder, which is not supported yet`,
    );
  }
  if (!model.schedulerConfig) {
    throw new RangeError(
      `Cannot generate with ${options.model}: it has no scheduler/scheduler_config.json`,
    );
  }
  const { batch, steps, guidanceScale, seed } = options;
  const scheduler = await readSchedulerConfig(model.schedulerConfig);
  const sampler = makeSampler(scheduler, { kind: options.sampler, steps });
  const graph = blockGraphOf(model, {
    batch: 2 * batch,
    granularity: options.granularity,
  });
  const net = superNet(graph, { steps: sampler.steps.length });
  const gates = options.gates
    ? await readGates(options.gates, net)
    : denseGates(net.steps, net.units.length);
  await using runner = await openSubNets(net);
  await using subNet = await openSubNet(runner, gates);
  const labels = [
    ...Array(batch).fill(options.class),
    ...Array(batch).fill(classes),
  ];
  const random = new TorchGenerator(seed);
  const shape = [batch, inChannels, sampleSize, sampleSize];
  const pictures = await subNet.sample({
    latents: random.randn(shape),
    noise: drawStepNoise(sampler, { shape, random }),
    conditioning: { class_labels: int64([2 * batch], labels) },
    sampler,
    guidanceScale,
    observe: ({ step }) => progress(step + 1, net.steps),
  });
  const text = {
    settings: JSON.stringify(options),
    macs: String(subNetMacs(net, gates)),
  };
  const row = { label: `class ${options.class}`, images: split(pictures) };
  await writePng(options.output, {
    image: imageGrid([row], { zoom: options.scale }),
    text,
  });
}

function progress(done: number, steps: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const bar = "█".repeat(Math.round(30 * done / steps)).padEnd(30, "░");
  const line = `\r${bar} ${done}/${steps}${done === steps ? "\n" : ""}`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

if (import.meta.main) {
  try {
    const options = parseGenerate(Deno.args);
    if (options === "help") console.log(help);
    else await generate(options);
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
