/** A network's forward pass against the graph that an exporter writes for it; in one process, they take turns. */
import { columnLines } from "../../tables/aligned_lines.ts";
import {
  type BlockGraph,
  blockGraphOf,
  loadModel,
  wholeGraph,
} from "@dip-go/core/models";
import { openSession } from "@dip-go/core/runtime";
import { interleave, type Latency } from "../../statistics/latency.ts";
import type { FiguresOf } from "../figures.ts";
import { exporterGraph } from "./exporter_graph.ts";
import { macsOf, openLargeProducts, rateOf } from "../large_products.ts";
import { randomFeeds } from "../subjects/random_feeds.ts";
import { folders, type ModelName } from "../subjects/subjects.ts";

/** The compared networks; a batch of two is one guided image. */
const subjects: readonly { name: ModelName; batch: number }[] = [
  { name: "dit-shapes", batch: 16 },
  { name: "sd-shapes", batch: 16 },
  { name: "dit-xl", batch: 2 },
  { name: "sd-unet", batch: 1 },
];

/**
 * Times one call of the network, in milliseconds; rates in 10⁹ floating-point operations a second.
 *
 * @throws {RangeError} If `rounds` is less than 1.
 */
export async function measurePeers(
  model: BlockGraph,
  { name, rounds, sides }: {
    name: string;
    rounds: number;
    /** The sides of the products that the machine's rate is measured with. */
    sides?: readonly number[];
  },
) {
  const graph = wholeGraph(model);
  const feeds = randomFeeds(graph);
  await using ours = await openSession(graph);
  await using exporter = await openSession(exporterGraph(graph), {
    convolution: "direct",
  });
  await using products = await openLargeProducts(sides);
  const times = await interleave({
    ours: () => ours.run(feeds),
    exporter: () => exporter.run(feeds),
    ...products.turns,
  }, { rounds });
  const macs = macsOf(graph);
  return {
    name,
    batch: graph.inputs[0].shape[0],
    macs,
    latency: { ours: times.ours, exporter: times.exporter },
    overExporter: times.ours.median / times.exporter.median,
    rate: {
      ours: rateOf(macs, times.ours.median),
      machine: products.rate(times),
    },
  };
}

/** Measures every subject, one after the other: only one is in memory at a time. */
export const measureAllPeers = ({ rounds }: { rounds: number }) =>
  Array.fromAsync(subjects, async ({ name, batch }) => {
    const model = await loadModel(await folders[name]());
    return await measurePeers(blockGraphOf(model, { batch }), { name, rounds });
  });

const spread = ({ median, min, max }: Latency) => {
  const digits = median < 100 ? 1 : 0;
  const text = (time: number) => time.toFixed(digits);
  return `${text(median)} (${text(min)} to ${text(max)})`;
};

export const peerLines = (
  speeds: readonly FiguresOf<typeof measurePeers>[],
): string[] => [
  ...columnLines(speeds, [
    ["network", ({ name }) => name],
    ["batch", ({ batch }) => String(batch)],
    ["ours ms", ({ latency }) => spread(latency.ours)],
    ["exporter ms", ({ latency }) => spread(latency.exporter)],
    ["ours / exporter", ({ overExporter }) => overExporter.toFixed(3)],
    ["GFLOP/s", ({ rate }) => rate.ours.toFixed(0)],
    ["of the machine's", ({ rate }) => (rate.ours / rate.machine).toFixed(3)],
  ]),
  "medians, in brackets the range; the machine's rate is that of its fastest large matrix product",
];
