/**
 * Stable Diffusion 1.5 at full size, random weights: peak memory of a gradient
 * step, and the UNet's arithmetic rate beside the machine's own, each in a
 * process of its own.
 */
import { alignedLines } from "../tables/aligned_lines.ts";
import { blockGraphOf, loadModel, wholeGraph } from "@dip-go/core/models";
import { macsOfGraph, sumMacs } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { makeSampler, readSchedulerConfig } from "@dip-go/core/samplers";
import { denseGates, superNet } from "@dip-go/supernet/gates";
import { openTrainingForm } from "@dip-go/supernet/training";
import { interleave } from "../statistics/latency.ts";
import { apart, peakBytes } from "./apart.ts";
import type { ByName } from "./figures.ts";
import { openLargeProducts, rateOf } from "./large_products.ts";
import { randomFeeds } from "./subjects/random_feeds.ts";
import { ensureSd15 } from "./subjects/sd15_folder.ts";

/** A task's measurements by name, in the unit that the name ends in. */
type Figures = ByName<number>;

const peakGigabytes = () => peakBytes() / 1e9;

const guidanceScale = 7.5;

/** One gradient of every gate of the branches, over four guided DDIM steps at 512x512. */
async function gradient(folder: string): Promise<Figures> {
  const model = await loadModel(folder);
  const config = await readSchedulerConfig(model.schedulerConfig!);
  const sampler = makeSampler(config, { kind: "ddim", steps: 4 });
  const graph = blockGraphOf(model, { batch: 2, granularity: "branch" });
  const net = superNet(graph, { steps: sampler.steps.length });
  const random = new TorchGenerator(0);
  const [sample, , text] = graph.inputs;
  await using form = await openTrainingForm(net);
  const started = performance.now();
  const found = await form.gradient({
    latents: random.randn(sample.shape.with(0, 1)),
    conditioning: { [text.name]: random.randn(text.shape) },
    sampler,
    guidanceScale,
    gates: denseGates(net.steps, net.units.length),
  }, ({ data }) => data);
  const seconds = (performance.now() - started) / 1000;
  if (!found.gates.flat().every(Number.isFinite)) {
    throw new Error("a gate's gradient is not finite");
  }
  return { "peak GB": peakGigabytes(), "gradient s": seconds };
}

/** The UNet's forward at batch 2, as guidance calls it, in turns with large products. */
async function rate(folder: string): Promise<Figures> {
  const model = await loadModel(folder);
  const graph = wholeGraph(blockGraphOf(model, { batch: 2 }));
  await using unet = await openSession(graph);
  await using products = await openLargeProducts();
  const feeds = randomFeeds(graph);
  const turns = { unet: () => unet.run(feeds), ...products.turns };
  const times = await interleave(turns, { rounds: 3 });
  const { total } = sumMacs(macsOfGraph(graph).values());
  const own = rateOf(total, times.unet.median);
  const machine = products.rate(times);
  return {
    "UNet GFLOP/s": own,
    "product GFLOP/s": machine,
    "UNet / product": own / machine,
    "peak GB": peakGigabytes(),
  };
}

const tasks: ByName<(folder: string) => Promise<Figures>> = {
  rate,
  gradient,
};

const measuredApart = await apart(
  { url: import.meta.url, main: import.meta.main },
  (task, folder) => tasks[task](folder),
);

/** Every task's figures. The folder is written if it is not there. */
export async function measureSd15(folder: string): Promise<ByName<Figures>> {
  await ensureSd15(folder);
  const figures: Record<string, Figures> = {};
  for (const task of Object.keys(tasks)) {
    figures[task] = await measuredApart(task, folder);
  }
  return figures;
}

/** A line a figure. */
export const sd15Lines = (figures: ByName<Figures>): string[] =>
  alignedLines(
    Object.entries(figures).flatMap(([task, values]) =>
      Object.entries(values)
        .map(([name, value]) => [task, name, value.toFixed(2)])
    ),
    { left: 2 },
  );
