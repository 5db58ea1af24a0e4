/**
 * Stable Diffusion 1.5 at full size with random weights: a gradient step's peak
 * memory, and the UNet's arithmetic rate beside the machine's own, each in a
 * process of its own.
 */
import { alignedLines } from "../tables/aligned_lines.ts";
import { blockGraphOf, loadModel, wholeGraph } from "@dip-go/core/models";
import { openSession } from "@dip-go/core/runtime";
import { interleave } from "../statistics/latency.ts";
import { apart, peakBytes } from "./apart.ts";
import { type ByName, byName } from "./figures.ts";
import { gradientMemory } from "./gradient_memory.ts";
import { macsOf, openLargeProducts, rateOf } from "./large_products.ts";
import { ensureSd15 } from "./subjects/full_size.ts";
import { randomFeeds } from "./subjects/random_feeds.ts";
import { modelFolder } from "./subjects/subjects.ts";

/** A task's measurements by name, in the unit that the name ends in. */
type Figures = ByName<number>;

/** One gradient of every gate of the branches, over four guided DDIM steps at 512x512. */
async function gradient(folder: string): Promise<Figures> {
  const size = { images: 1, steps: 4, kind: "ddim" } as const;
  const subject = await modelFolder(folder, { ...size, guidanceScale: 7.5 });
  const { peak, seconds } = await gradientMemory(subject);
  return { "peak GB": peak / 1e3, "gradient s": seconds };
}

/** Times the UNet's forward pass at batch 2, as guidance calls it, in turns with large products. */
async function rate(folder: string): Promise<Figures> {
  const model = await loadModel(folder);
  const graph = wholeGraph(blockGraphOf(model, { batch: 2 }));
  await using unet = await openSession(graph);
  await using products = await openLargeProducts();
  const feeds = randomFeeds(graph);
  const turns = { unet: () => unet.run(feeds), ...products.turns };
  const times = await interleave(turns, { rounds: 3 });
  const own = rateOf(macsOf(graph), times.unet.median);
  const machine = products.rate(times);
  return {
    "UNet GFLOP/s": own,
    "product GFLOP/s": machine,
    "UNet / product": own / machine,
    "peak GB": peakBytes() / 1e9,
  };
}

const tasks: ByName<(folder: string) => Promise<Figures>> = {
  rate,
  gradient,
};

const measuredApart = await apart(
  import.meta,
  (task: string, folder: string) => tasks[task](folder),
);

/** Measures every task. Writes the folder if it is not there. */
export async function measureSd15(folder: string): Promise<ByName<Figures>> {
  await ensureSd15(folder);
  return await byName(tasks, (_, task) => measuredApart(task, folder));
}

export const sd15Lines = (figures: ByName<Figures>): string[] =>
  alignedLines(
    Object.entries(figures).flatMap(([task, values]) =>
      Object.entries(values)
        .map(([name, value]) => [task, name, value.toFixed(2)])
    ),
    { left: 2 },
  );
