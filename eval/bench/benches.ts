/** The benches of `deno task bench`, by name. */
import { columnLines } from "../tables/aligned_lines.ts";
import { compiledLines, measureCompiled } from "./compiled_speed.ts";
import { exportCostApart, exportCostLines } from "./export_cost.ts";
import { gradientMemoryApart } from "./gradient_memory.ts";
import {
  gradientLines,
  type GradientSpeed,
  measureGradient,
} from "./gradient_speed.ts";
import { growthLines, measureGrowth } from "./growth.ts";
import { layerLines, layerSubjects, measureLayers } from "./layer_gradients.ts";
import { measureAllPeers, peerLines } from "./peers/peers.ts";
import { measureSd15, sd15Lines } from "./sd15.ts";
import { measureSpeed, type Speed, speedLines } from "./sub_net_speed.ts";
import { folders, modelFolder, type ModelName } from "./subjects/subjects.ts";

/** The command line's options; undefined where it leaves them to the bench. */
export interface BenchOptions {
  readonly steps: number | undefined;
  readonly sparsities: readonly number[] | undefined;
  readonly rounds: number | undefined;
}

/** A bench's findings: for the terminal, and for its file. */
export interface Findings {
  readonly lines: string[];
  readonly figures: unknown;
}

/** Measures, and says it in lines. */
export type Bench = (options: BenchOptions) => Promise<Findings>;

/** Of SubNets whose speed is compared. */
const usualSparsities = [0.5, 0.6, 0.7, 0.8, 0.9];

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
async (
  { steps = own.steps, sparsities = usualSparsities, rounds = own.rounds },
) => {
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

/** Models that the gradient is measured on. */
const gradientSubjects: readonly [
  ModelName,
  { images: number; steps: number },
][] = [
  ["dit-shapes", { images: 8, steps: 50 }],
  ["sd-shapes", { images: 8, steps: 50 }],
  ["sd-unet", { images: 1, steps: 2 }],
];

/** Figures of each model at each sparsity, one after another. */
async function byModel<Figures>(
  names: readonly ModelName[],
  sparsities: readonly number[],
  measure: (name: ModelName, sparsity: number) => Promise<Figures>,
): Promise<Record<string, Figures>> {
  const figures: Record<string, Figures> = {};
  for (const name of names) {
    for (const sparsity of sparsities) {
      figures[`${name} ${sparsity}`] = await measure(name, sparsity);
    }
  }
  return figures;
}

/** By the names of the command line. */
export const benches: Readonly<Record<string, Bench>> = {
  "dit-xl": subNets("dit-xl", fullSize),
  "sd-unet": subNets("sd-unet", fullSize),
  "dit-shapes": subNets("dit-shapes", embedded),
  "sd-shapes": subNets("sd-shapes", embedded),
  peers: async ({ rounds = 3 }) => {
    const figures = await measureAllPeers({ rounds });
    return { lines: peerLines(figures), figures };
  },
  compiled: async (
    { steps = 50, sparsities = usualSparsities, rounds = 9 },
  ) => {
    const names = ["dit-shapes", "sd-shapes"] as const;
    const figures = await byModel(names, sparsities, async (name, sparsity) => {
      const size = { images: 1, steps };
      const subject = await modelFolder(await folders[name](), size);
      return await measureCompiled(subject, { sparsity, rounds });
    });
    return { lines: compiledLines(figures), figures };
  },
  growth: async ({ steps = 20, sparsities = [0.8], rounds = 3 }) => {
    const names = ["dit-shapes", "sd-shapes"] as const;
    const figures = await byModel(names, sparsities, async (name, sparsity) => {
      const options = { steps, sparsity, rounds };
      return await measureGrowth(await folders[name](), options);
    });
    return { lines: growthLines(figures), figures };
  },
  export: async ({ steps = 50, sparsities = usualSparsities }) => {
    const names = ["sd-shapes", "sd-unet"] as const;
    const figures = await byModel(names, sparsities, async (name, sparsity) => {
      const out = `results/bench/exported-${name}`;
      const options = { steps, sparsity, out };
      return await exportCostApart(await folders[name](), options);
    });
    return { lines: exportCostLines(figures), figures };
  },
  gradient: async ({ rounds = 3 }) => {
    const figures: Record<string, GradientSpeed> = {};
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
    const peaks = [["10", few], ["50", many]] as const;
    const lines = [
      ...columnLines(peaks, [
        ["steps", ([steps]) => steps],
        ["open MB", ([, { before }]) => before.toFixed(0)],
        ["peak MB", ([, { peak }]) => peak.toFixed(0)],
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
