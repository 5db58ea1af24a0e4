/** The benches of `deno task bench`, by name. */
import { changedGateLines, measureChangedGate } from "./changed_gate.ts";
import { compiledLines, measureCompiled } from "./compiled_speed.ts";
import { endToEndLines, measureEndToEnd } from "./end_to_end/end_to_end.ts";
import { exportCostApart, exportCostLines } from "./export_cost.ts";
import { gradientMemoryApart, memoryLines } from "./gradient_memory.ts";
import { gradientLines, measureGradient } from "./gradient_speed.ts";
import { growthLines, measureGrowth } from "./growth.ts";
import { guidanceLines, measureAllGuidance } from "./guidance_cost.ts";
import { layerLines, layerSubjects, measureLayers } from "./layer_gradients.ts";
import { loadLines, measureLoads } from "./load.ts";
import { measureAllPeers, peerLines } from "./peers/peers.ts";
import { measureSd15, sd15Lines } from "./sd15.ts";
import { measureSpeed, speedLines } from "./sub_net_speed.ts";
import { byName } from "./figures.ts";
import { folders, modelFolder, type ModelName } from "./subjects/subjects.ts";

/** The command line's options; undefined if the bench's own defaults apply. */
export interface BenchOptions {
  readonly steps: number | undefined;
  readonly sparsities: readonly number[] | undefined;
  readonly rounds: number | undefined;
}

/** A bench: it measures `figures` for its file, and prints them as `lines` on a terminal. */
export type Bench = (
  options: BenchOptions,
) => Promise<{ readonly lines: string[]; readonly figures: unknown }>;

const bench = <Figures>(
  measure: (options: BenchOptions) => Figures | Promise<Figures>,
  linesOf: (figures: Figures) => string[],
): Bench =>
async (options) => {
  const figures = await measure(options);
  return { lines: linesOf(figures), figures };
};

const usualSparsities = [0.5, 0.6, 0.7, 0.8, 0.9];

/** A bench of one model's SubNets at each sparsity, for each number of images at once. */
const subNets = (
  name: ModelName,
  own: {
    images: readonly number[];
    steps: number;
    rounds: number;
    fullCalls?: number;
  },
): Bench =>
  bench(async (
    { steps = own.steps, sparsities = usualSparsities, rounds = own.rounds },
  ) => {
    const folder = await folders[name]();
    const { fullCalls } = own;
    const figures = await Array.fromAsync(own.images, async (images) => {
      const subject = await modelFolder(folder, { images, steps });
      return await Array.fromAsync(sparsities, async (sparsity) => ({
        images,
        steps: subject.net.steps,
        ...await measureSpeed(subject, { sparsity, rounds, fullCalls }),
      }));
    });
    return figures.flat();
  }, (figures) =>
    figures.flatMap(({ images, ...speed }) => [
      `${images} images at once`,
      ...speedLines(speed),
    ]));

const fullSize = { images: [1], steps: 10, rounds: 3, fullCalls: 2 };
const embedded = { images: [8, 1], steps: 20, rounds: 9 };

const embeddedModels = ["dit-shapes", "sd-shapes"] as const;

/** Measures each model at each sparsity, one after another. */
async function byModel<Figures>(
  names: readonly ModelName[],
  sparsities: readonly number[],
  measure: (
    subject: { name: ModelName; folder: string; sparsity: number },
  ) => Promise<Figures>,
): Promise<Record<string, Figures>> {
  const figures: Record<string, Figures> = {};
  for (const name of names) {
    const folder = await folders[name]();
    for (const sparsity of sparsities) {
      const subject = { name, folder, sparsity };
      figures[`${name} ${sparsity}`] = await measure(subject);
    }
  }
  return figures;
}

const gradientSubjects = {
  "dit-shapes": { images: 8, steps: 50 },
  "sd-shapes": { images: 8, steps: 50 },
  "sd-unet": { images: 1, steps: 2 },
} as const;

export const benches: Readonly<Record<string, Bench>> = {
  "dit-xl": subNets("dit-xl", fullSize),
  "sd-unet": subNets("sd-unet", fullSize),
  "dit-shapes": subNets("dit-shapes", embedded),
  "sd-shapes": subNets("sd-shapes", embedded),
  peers: bench(({ rounds = 3 }) => measureAllPeers({ rounds }), peerLines),
  load: bench(() => measureLoads("load"), loadLines),
  compiled: bench(
    ({ steps = 50, sparsities = usualSparsities, rounds = 9 }) =>
      byModel(embeddedModels, sparsities, async ({ folder, sparsity }) => {
        const subject = await modelFolder(folder, { images: 1, steps });
        return await measureCompiled(subject, { sparsity, rounds });
      }),
    compiledLines,
  ),
  growth: bench(
    ({ steps = 20, sparsities = [0.8], rounds = 3 }) =>
      byModel(
        embeddedModels,
        sparsities,
        ({ folder, sparsity }) =>
          measureGrowth(folder, { steps, sparsity, rounds }),
      ),
    growthLines,
  ),
  export: bench(
    ({ steps = 50, sparsities = usualSparsities }) =>
      byModel(["sd-shapes", "sd-unet"], sparsities, (subject) => {
        const out = `results/bench/exported-${subject.name}`;
        return exportCostApart(subject.folder, steps, subject.sparsity, out);
      }),
    exportCostLines,
  ),
  gradient: bench(
    ({ rounds = 3 }) =>
      byName(gradientSubjects, async (size, name) => {
        const subject = await modelFolder(await folders[name](), size);
        return await measureGradient(subject, { rounds });
      }),
    gradientLines,
  ),
  memory: bench(async () => {
    const folder = await folders["dit-shapes"]();
    const few = await gradientMemoryApart(folder, 10);
    return { "10": few, "50": await gradientMemoryApart(folder, 50) };
  }, memoryLines),
  gates: bench(
    ({ steps = 250 }) => measureChangedGate({ steps, flips: 20_000 }),
    changedGateLines,
  ),
  guidance: bench(
    ({ rounds = 5 }) => measureAllGuidance({ rounds }),
    guidanceLines,
  ),
  "end-to-end": bench(
    ({ steps }) => measureEndToEnd(steps === undefined ? [1, 4, 10] : [steps]),
    endToEndLines,
  ),
  sd35: bench(() => measureLoads("sd35"), loadLines),
  sd15: bench(() => measureSd15("results/bench/sd-1.5"), sd15Lines),
  conv: bench(
    ({ rounds = 3 }) => measureLayers(layerSubjects, { rounds }),
    layerLines,
  ),
};
