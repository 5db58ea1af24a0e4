/** `deno task bench`: speed and memory on this machine. */
import { parseArgs } from "@std/cli/parse-args";
import { alignedLines } from "../../core/aligned_lines.ts";
import { type CommandResult, finish, resultOf } from "../../core/command.ts";
import { gradientMemoryApart } from "./gradient_memory.ts";
import { layerLines, layerSubjects } from "./layer_gradients.ts";
import { sd15Lines } from "./sd15.ts";
import { measureSpeed, speedLines } from "./sub_net_speed.ts";
import { ditXl, modelFolder } from "./subjects.ts";

const help = `Measures speed and memory on this machine.

Usage: deno task bench <what> [options]

  dit-xl      Full-size DiT-XL/2, random weights, one guided image: full sampler against a SubNet
  dit-shapes  The same for the embedded model, at 8 images and at 1
  memory      Peak memory of a gate gradient at 10 and at 50 steps, embedded model, one guided image
  sd15        Full-size Stable Diffusion 1.5, random weights (4.3 GB in results/bench/sd-1.5): peak memory of a guided
              picture and of a gradient step at 512x512, and the UNet's rate over that of a large matrix product
  conv        Convolutions, norms and the like, each alone: forward, data gradient, weight gradient

Options:
  --steps <n>     DDIM steps of dit-xl (default 10) and dit-shapes (20)
  --sparsity <s>  Fraction of the MACs that their SubNets leave out (default 0.8)
  --rounds <n>    Timed runs of each, taking turns, except in memory (default 9 for dit-shapes, 3 for others)
  --help          Print this

The SubNet's gates follow a rule: some steps whole, some in part, the others
held. dit-xl has 2.7 GB of weights, which are in memory more than once while it
opens. Close other programs before you measure.`;

const embedded = "zoo/models/dit-shapes";

interface BenchOptions {
  /** The benchmark's own default if undefined. */
  readonly steps: number | undefined;
  readonly sparsity: number;
  /** The benchmark's own default if undefined. */
  readonly rounds: number | undefined;
}

const benches: Readonly<
  Record<string, (options: BenchOptions) => Promise<string[]>>
> = {
  "dit-xl": async ({ steps = 10, sparsity, rounds = 3 }) => {
    const options = { sparsity, rounds };
    return speedLines(await measureSpeed(ditXl({ images: 1, steps }), options));
  },
  "dit-shapes": async ({ steps = 20, sparsity, rounds = 9 }) => {
    const lines: string[] = [];
    for (const images of [8, 1]) {
      const subject = await modelFolder(embedded, { images, steps });
      const speed = await measureSpeed(subject, { sparsity, rounds });
      lines.push(`${images} images`, ...speedLines(speed));
    }
    return lines;
  },
  memory: async () => {
    const few = await gradientMemoryApart(embedded, 10);
    const many = await gradientMemoryApart(embedded, 50);
    return [
      ...alignedLines([
        ["steps", "open MB", "peak MB"],
        ["10", few.before.toFixed(0), few.peak.toFixed(0)],
        ["50", many.before.toFixed(0), many.peak.toFixed(0)],
      ], { left: 0 }),
      `ratio of the peaks ${(many.peak / few.peak).toFixed(3)}`,
    ];
  },
  sd15: () => sd15Lines("results/bench/sd-1.5"),
  conv: ({ rounds = 3 }) => layerLines(layerSubjects, { rounds }),
};

/** Runs the command on its arguments; errors are part of the result. */
export function benchCommand(args: readonly string[]): Promise<CommandResult> {
  return resultOf(() => bench(args));
}

async function bench(args: readonly string[]): Promise<CommandResult> {
  const parsed = parseArgs([...args], {
    boolean: ["help"],
    string: ["steps", "sparsity", "rounds", "_"],
    default: { sparsity: "0.8" },
    unknown: refuseOption,
  });
  if (parsed.help) return { lines: [help], exitCode: 0 };
  const [name] = parsed._;
  if (parsed._.length !== 1 || !Object.hasOwn(benches, name)) {
    throw new TypeError(
      `Cannot bench: found "${parsed._.join(" ")}", expected one of ${
        Object.keys(benches).join(", ")
      }; see --help`,
    );
  }
  const lines = await benches[name]({
    steps: parsed.steps === undefined
      ? undefined
      : whole("steps", parsed.steps, 2),
    sparsity: fraction("sparsity", parsed.sparsity),
    rounds: parsed.rounds === undefined
      ? undefined
      : whole("rounds", parsed.rounds, 1),
  });
  return { lines, exitCode: 0 };
}

function refuseOption(option: string, key?: string): boolean {
  if (!key) return true;
  throw new TypeError(
    `Cannot bench: option ${option} is unknown; see --help`,
  );
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(
    `Cannot bench: --${name} is "${text}", expected a whole number from ${least}`,
  );
}

function fraction(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new RangeError(
    `Cannot bench: --${name} is "${text}", expected a number between 0 and 1`,
  );
}

if (import.meta.main) finish(await benchCommand(Deno.args));
