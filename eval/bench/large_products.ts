/** The machine's own rate, measured with large square matrix products. */
import {
  type Graph,
  GraphBuilder,
  macsOfGraph,
  sumMacs,
} from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import type { Latency } from "../statistics/latency.ts";
import { randomFeeds } from "./subjects/random_feeds.ts";

/** The sides of the products; the fastest product stands for the machine. */
const largeSides = [1024, 2048, 4096];

/** The rate in 10⁹ floating-point operations a second, two for each multiply-accumulate. */
export const rateOf = (macs: number, milliseconds: number): number =>
  2 * macs / milliseconds / 1e6;

/** Multiply-accumulates of a graph in the total convention. */
export const macsOf = (graph: Graph): number =>
  sumMacs(macsOfGraph(graph).values()).total;

function productGraph(side: number) {
  const g = new GraphBuilder("product");
  const [a, b] = ["a", "b"].map((name) =>
    g.input(name, "float32", [side, side])
  );
  return g.build({ y: g.matMul(a, b) });
}

/** Opens products that take turns with a network; `rate` is the machine's rate by their median times. */
export async function openLargeProducts(
  sides: readonly number[] = largeSides,
) {
  const sessions = new AsyncDisposableStack();
  const turns: Record<string, () => Promise<unknown>> = {};
  for (const side of sides) {
    const session = sessions.use(await openSession(productGraph(side)));
    const feeds = randomFeeds(session.graph);
    turns[`product ${side}`] = () => session.run(feeds);
  }
  return {
    turns,
    rate(times: Readonly<Record<string, Latency>>): number {
      const rates = sides.map((side) =>
        rateOf(side ** 3, times[`product ${side}`].median)
      );
      return Math.max(...rates);
    },
    [Symbol.asyncDispose]: () => sessions.disposeAsync(),
  };
}
