/** A SubNet's speed against the full sampler's, the two taking turns. */
import { columnLines } from "../tables/aligned_lines.ts";
import {
  denseGates,
  denseMacs,
  type Gates,
  subNetMacs,
  type SuperNet,
} from "@dip-go/supernet/gates";
import { openFusedSubNet, SubNetRunner } from "@dip-go/supernet/sampling";
import { interleave, type Latency } from "../statistics/latency.ts";
import type { FiguresOf } from "./figures.ts";
import { mixedGates } from "./subjects/mixed_gates.ts";
import type { Subject } from "./subjects/subjects.ts";

export interface SpeedOptions {
  /** The fraction of the dense trajectory's MACs to remove. */
  readonly sparsity: number;
  /** The number of timed turns of each sampler, after one untimed turn. */
  readonly rounds: number;
  /** The model calls in a turn of the full sampler; all T by default, fewer if they are slow: all cost the same. */
  readonly fullCalls?: number;
}

/** All gates are open in the first `calls` steps; the other steps hold the prediction. */
const firstCalls = ({ steps, units }: SuperNet, calls: number): Gates =>
  denseGates(steps, units.length)
    .map((row, t) => t < calls ? row : row.map(() => 0));

/**
 * Samples with all gates open and with {@linkcode mixedGates}. A turn of the
 * SubNet is several samples in a row that take about as long as a turn of the full
 * sampler, so that the machine's slow moments hit both alike.
 *
 * @returns MACs in the total convention, times in milliseconds; `overMacs` is the
 * measured speedup over the MACs speedup, for the median times and for each round.
 * @throws {RangeError} If the sparsity cannot be reached, or `rounds` is less than 1.
 */
export async function measureSpeed(
  { net, request }: Subject,
  { sparsity, rounds, fullCalls = net.steps }: SpeedOptions,
) {
  const gates = mixedGates(net, sparsity);
  await using runner = new SubNetRunner(net);
  await using full = await openFusedSubNet(runner, {
    gates: firstCalls(net, fullCalls),
  });
  await using subNet = await openFusedSubNet(runner, { gates });
  const macs = { full: denseMacs(net), subNet: subNetMacs(net, gates) };
  const share = fullCalls / net.steps;
  const repeats = Math.max(1, Math.round(share * macs.full / macs.subNet));
  const times = await interleave({
    full: () => full.sample(request),
    subNet: async () => {
      for (let i = 0; i < repeats; i++) await subNet.sample(request);
    },
  }, { rounds });
  const latency = {
    full: dividedBy(times.full, share),
    subNet: dividedBy(times.subNet, repeats),
  };
  const byMacs = macs.full / macs.subNet;
  return {
    gates,
    macs,
    latency,
    overMacs: {
      median: latency.full.median / latency.subNet.median / byMacs,
      rounds: latency.full.times.map((time, i) =>
        time / latency.subNet.times[i] / byMacs
      ),
    },
  };
}

/** The latency of one sample, from turns of several samples or of a part of one. */
const dividedBy = (
  { times, median, min, max }: Latency,
  samples: number,
): Latency => ({
  times: times.map((time) => time / samples),
  median: median / samples,
  min: min / samples,
  max: max / samples,
});

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);

/** Draws the gates with a row for each step: `#` computes, `.` reuses; the last column is the whole step. */
const pattern = (gates: Gates): string[] =>
  gates.map((row, t) => {
    const units = row.map((gate) => gate ? "#" : ".");
    return `  step ${String(t).padStart(2)}  ${units.join("")}`;
  });

export function speedLines(
  { gates, macs, latency, overMacs }: FiguresOf<typeof measureSpeed>,
): string[] {
  const byMacs = macs.full / macs.subNet;
  const { rounds } = overMacs;
  const [low, high] = [Math.min(...rounds), Math.max(...rounds)];
  return [
    ...pattern(gates),
    ...columnLines(["full", "subNet"] as const, [
      ["", (which) => which === "full" ? "full" : "SubNet"],
      ["GMACs", (which) => (macs[which] / 1e9).toFixed(3)],
      ["median s", (which) => seconds(latency[which].median)],
      ["range s", (which) => {
        const { min, max } = latency[which];
        return `${seconds(min)} to ${seconds(max)}`;
      }],
    ]),
    `sparsity ${(1 - macs.subNet / macs.full).toFixed(4)}`,
    `speedup by MACs ${byMacs.toFixed(3)}, measured ${
      (overMacs.median * byMacs).toFixed(3)
    }, measured / MACs ${overMacs.median.toFixed(3)} (${low.toFixed(3)} to ${
      high.toFixed(3)
    } in ${rounds.length} rounds)`,
  ];
}
