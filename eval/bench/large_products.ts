/** The machine's own rate: that of large square matrix products. */
import { GraphBuilder } from "@dip-go/core/onnx";
import { openSession, type Session } from "@dip-go/core/runtime";
import type { Latency } from "../statistics/latency.ts";
import { randomFeeds } from "./subjects/random_feeds.ts";

/** Sides of the products whose fastest stands for the machine. */
const largeSides = [1024, 2048, 4096];

/** 10⁹ floating-point operations a second, two a multiply-accumulate. */
export const rateOf = (macs: number, milliseconds: number): number =>
  2 * macs / milliseconds / 1e6;

/** Products ready to take turns with a network. */
export interface LargeProducts extends AsyncDisposable {
  /** A turn of each, by name. */
  readonly turns: Readonly<Record<string, () => Promise<unknown>>>;
  /** The machine's rate, of the median times of the turns. */
  rate(times: Readonly<Record<string, Latency>>): number;
}

function productGraph(side: number) {
  const g = new GraphBuilder("product");
  const [a, b] = ["a", "b"].map((name) =>
    g.input(name, "float32", [side, side])
  );
  return g.build({ y: g.matMul(a, b) });
}

/** Opens the products. */
export async function openLargeProducts(
  sides: readonly number[] = largeSides,
): Promise<LargeProducts> {
  const sessions = new Map<string, Session>();
  for (const side of sides) {
    sessions.set(`product ${side}`, await openSession(productGraph(side)));
  }
  const turns = [...sessions].map(([name, session]) => {
    const feeds = randomFeeds(session.graph);
    return [name, () => session.run(feeds)];
  });
  return {
    turns: Object.fromEntries(turns),
    rate: (times) =>
      Math.max(
        ...sides.map((side) =>
          rateOf(side ** 3, times[`product ${side}`].median)
        ),
      ),
    async [Symbol.asyncDispose]() {
      for (const session of sessions.values()) await session.close();
    },
  };
}
