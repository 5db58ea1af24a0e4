/** `deno task bench`: speed and memory on this machine. */
import { parseArgs } from "@std/cli/parse-args";
import { alignedLines } from "../../core/aligned_lines.ts";
import { type CommandResult, finish, resultOf } from "../../core/command.ts";
import { gpuCommand } from "./gpu_command.ts";
import { wholeOption } from "../../core/option_values.ts";
import { compiledLines, measureCompiled } from "./compiled_speed.ts";
import { exportCostApart, exportCostLines } from "./export_cost.ts";
import { gradientMemoryApart } from "./gradient_memory.ts";
import { gradientLines, measureGradient } from "./gradient_speed.ts";
import { layerLines, layerSubjects, measureLayers } from "./layer_gradients.ts";
import { writeFigures } from "./machine.ts";
import { measureAllPeers, peerLines } from "./peers.ts";
import { measureSd15, sd15Lines } from "./sd15.ts";
import { measureSpeed, type Speed, speedLines } from "./sub_net_speed.ts";
import { folders, modelFolder, type ModelName } from "./subjects.ts";

const help = `Measures speed and memory on this machine.

Usage: deno task bench <what> [options]

Full sampler against SubNets, at each sparsity measured speedup over MACs speedup:
  dit-xl      Full-size DiT-XL/2, random weights (3 GB in results/bench), one guided image
  sd-unet     The UNet of full-size Stable Diffusion 1.5, random weights (3.4 GB in results/bench), one guided image
  dit-shapes  The embedded transformer, 8 images and 1
  sd-shapes   The embedded UNet, 8 images and 1

Others:
  peers       One call of these four networks against the graph that an exporter writes for them, and
              against the machine's rate on large matrix products
  compiled    SubNets of the embedded models, one image, as one graph of all steps against a session a step
  export      A SubNet compiled, written and opened: time and peak memory; embedded UNet, and that of Stable Diffusion
              1.5 in PLMS 50 (3.4 GB in results/bench)
  gradient    One gradient step over one full sampler pass: embedded models in 50 steps, full-size UNet in 2
  memory      Peak memory of a gate gradient at 10 and at 50 steps, embedded transformer, one guided image
  sd15        Full-size Stable Diffusion 1.5, random weights (4.3 GB in results/bench): peak memory of a guided
              picture and of a gradient step at 512x512, and the UNet's rate over that of a large matrix product
  gpu         Both at full size on a GPU, in float16, or the folder that measures them elsewhere: see \`gpu --help\`
  conv        Convolutions, norms and the like, each alone: forward, data gradient, weight gradient

Options:
  --steps <n>     Steps of the sampler where SubNets are measured (default 10 at full size, 20 for embedded models)
  --sparsity <s>  Fractions of the MACs that SubNets leave out (default 0.5,0.6,0.7,0.8,0.9)
  --rounds <n>    Timed runs of each, taking turns, except in memory and sd15 (default 9 for SubNets of embedded
                  models, 3 for others)
  --help          Print this

Figures are written to results/bench/<what>.json, with the machine. The SubNets'
gates follow a rule: some steps whole, some in part, the others held. Close
other programs before you measure.`;

interface BenchOptions {
  /** The benchmark's own default if undefined. */
  readonly steps: number | undefined;
  readonly sparsities: readonly number[];
  /** The benchmark's own default if undefined. */
  readonly rounds: number | undefined;
}

/** What a benchmark found: for the terminal, and for its file. */
interface Findings {
  readonly lines: string[];
  readonly figures: unknown;
}

type Bench = (options: BenchOptions) => Promise<Findings>;

/** SubNets of one model at each sparsity, for each number of images at once. */
const subNets = (
  name: ModelName,
  own: {
    images: readonly number[];
    steps: number;
    rounds: number;
    fullCalls?: number;
  },
): Bench =>
async ({ steps = own.steps, sparsities, rounds = own.rounds }) => {
  const folder = await folders[name]();
  const figures: ({ images: number; steps: number } & Speed)[] = [];
  const lines: string[] = [];
  for (const images of own.images) {
    const subject = await modelFolder(folder, { images, steps });
    for (const sparsity of sparsities) {
      const { fullCalls } = own;
      const options = { sparsity, rounds, fullCalls };
      const speed = await measureSpeed(subject, options);
      figures.push({ images, steps: subject.net.steps, ...speed });
      lines.push(`${images} images at once`, ...speedLines(speed));
    }
  }
  return { lines, figures };
};

const fullSize = { images: [1], steps: 10, rounds: 3, fullCalls: 2 };
const embedded = { images: [8, 1], steps: 20, rounds: 9 };

/** What the gradient is measured on. */
const gradientSubjects: readonly [
  ModelName,
  { images: number; steps: number },
][] = [
  ["dit-shapes", { images: 8, steps: 50 }],
  ["sd-shapes", { images: 8, steps: 50 }],
  ["sd-unet", { images: 1, steps: 2 }],
];

const benches: Readonly<Record<string, Bench>> = {
  "dit-xl": subNets("dit-xl", fullSize),
  "sd-unet": subNets("sd-unet", fullSize),
  "dit-shapes": subNets("dit-shapes", embedded),
  "sd-shapes": subNets("sd-shapes", embedded),
  peers: async ({ rounds = 3 }) => {
    const figures = await measureAllPeers({ rounds });
    return { lines: peerLines(figures), figures };
  },
  compiled: async ({ steps = 50, sparsities, rounds = 9 }) => {
    const figures: Record<string, Awaited<ReturnType<typeof measureCompiled>>> =
      {};
    for (const name of ["dit-shapes", "sd-shapes"] as const) {
      const size = { images: 1, steps };
      const subject = await modelFolder(await folders[name](), size);
      for (const sparsity of sparsities) {
        const options = { sparsity, rounds };
        figures[`${name} ${sparsity}`] = await measureCompiled(
          subject,
          options,
        );
      }
    }
    return { lines: compiledLines(figures), figures };
  },
  export: async ({ steps = 50, sparsities }) => {
    const figures: Record<string, Awaited<ReturnType<typeof exportCostApart>>> =
      {};
    for (const name of ["sd-shapes", "sd-unet"] as const) {
      const folder = await folders[name]();
      for (const sparsity of sparsities) {
        const out = `results/bench/exported-${name}`;
        const options = { steps, sparsity, out };
        figures[`${name} ${sparsity}`] = await exportCostApart(folder, options);
      }
    }
    return { lines: exportCostLines(figures), figures };
  },
  gradient: async ({ rounds = 3 }) => {
    const figures: Record<string, Awaited<ReturnType<typeof measureGradient>>> =
      {};
    for (const [name, size] of gradientSubjects) {
      const subject = await modelFolder(await folders[name](), size);
      figures[name] = await measureGradient(subject, { rounds });
    }
    return { lines: gradientLines(figures), figures };
  },
  memory: async () => {
    const folder = await folders["dit-shapes"]();
    const few = await gradientMemoryApart(folder, 10);
    const many = await gradientMemoryApart(folder, 50);
    const lines = [
      ...alignedLines([
        ["steps", "open MB", "peak MB"],
        ["10", few.before.toFixed(0), few.peak.toFixed(0)],
        ["50", many.before.toFixed(0), many.peak.toFixed(0)],
      ], { left: 0 }),
      `ratio of the peaks ${(many.peak / few.peak).toFixed(3)}`,
    ];
    return { lines, figures: { "10": few, "50": many } };
  },
  sd15: async () => {
    const figures = await measureSd15("results/bench/sd-1.5");
    return { lines: sd15Lines(figures), figures };
  },
  conv: async ({ rounds = 3 }) => {
    const figures = await measureLayers(layerSubjects, { rounds });
    return { lines: layerLines(figures), figures };
  },
};

/** Runs the command on its arguments; errors are part of the result. */
export function benchCommand(args: readonly string[]): Promise<CommandResult> {
  return resultOf(() =>
    args[0] === "gpu" ? gpuCommand(args.slice(1)) : bench(args)
  );
}

async function bench(args: readonly string[]): Promise<CommandResult> {
  const parsed = parseArgs([...args], {
    boolean: ["help"],
    string: ["steps", "sparsity", "rounds", "_"],
    default: { sparsity: "0.5,0.6,0.7,0.8,0.9" },
    unknown: refuseOption,
  });
  if (parsed.help) return { lines: [help], exitCode: 0 };
  const name = String(parsed._[0]);
  if (parsed._.length !== 1 || !Object.hasOwn(benches, name)) {
    throw new TypeError(
      `Cannot bench: found "${parsed._.join(" ")}", expected one of ${
        Object.keys(benches).join(", ")
      }; see --help`,
    );
  }
  const { lines, figures } = await benches[name]({
    steps: parsed.steps === undefined
      ? undefined
      : whole("steps", parsed.steps, 2),
    sparsities: String(parsed.sparsity).split(",").map((text) =>
      fraction("sparsity", text)
    ),
    rounds: parsed.rounds === undefined
      ? undefined
      : whole("rounds", parsed.rounds, 1),
  });
  const path = await writeFigures("results/bench", name, figures);
  return { lines: [...lines, `written to ${path}`], exitCode: 0 };
}

function refuseOption(option: string, key?: string): boolean {
  if (!key) return true;
  throw new TypeError(
    `Cannot bench: option ${option} is unknown; see --help`,
  );
}

const whole = (name: string, text: string, least: number): number =>
  wholeOption({ refusal: "Cannot bench", name, text }, least);

function fraction(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new RangeError(
    `Cannot bench: --${name} is "${text}", expected a number between 0 and 1`,
  );
}

if (import.meta.main) finish(await benchCommand(Deno.args));
