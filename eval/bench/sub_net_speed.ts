/** A SubNet's speed against the full sampler's, the two taking turns. */
import { alignedLines } from "../../core/aligned_lines.ts";
import { openSubNet } from "../../supernet/fused_sub_net.ts";
import { denseGates, type Gates } from "../../supernet/gates.ts";
import { subNetMacs } from "../../supernet/liveness.ts";
import { SubNetRunner } from "../../supernet/sub_net.ts";
import { interleave, type Latency } from "../latency.ts";
import { mixedGates } from "./mixed_gates.ts";
import type { Subject } from "./subjects.ts";

export interface SpeedOptions {
  /** Fraction of the dense trajectory's MACs to remove. */
  readonly sparsity: number;
  /** Timed turns of each, after one that is not timed. */
  readonly rounds: number;
}

/** Both samplers' cost: MACs in the total convention, times in milliseconds. */
export interface Speed {
  readonly gates: Gates;
  readonly macs: { readonly full: number; readonly subNet: number };
  readonly latency: { readonly full: Latency; readonly subNet: Latency };
}

/**
 * Samples with all gates open and with {@linkcode mixedGates}. A turn of the
 * SubNet is as many samples in a row as take about as long as one full one, so
 * that the machine's slow moments fall on both alike.
 *
 * @throws {RangeError} If the sparsity cannot be reached, or `rounds` is less than 1.
 */
export async function measureSpeed(
  { net, request }: Subject,
  { sparsity, rounds }: SpeedOptions,
): Promise<Speed> {
  const gates = mixedGates(net, sparsity);
  const dense = denseGates(net.steps, net.units.length);
  await using runner = new SubNetRunner(net);
  await using full = await openSubNet(runner, dense);
  await using subNet = await openSubNet(runner, gates);
  const macs = { full: subNetMacs(net, dense), subNet: subNetMacs(net, gates) };
  const repeats = Math.round(macs.full / macs.subNet);
  const latency = await interleave({
    full: () => full.sample(request),
    subNet: async () => {
      for (let i = 0; i < repeats; i++) await subNet.sample(request);
    },
  }, { rounds });
  return {
    gates,
    macs,
    latency: { ...latency, subNet: perSample(latency.subNet, repeats) },
  };
}

/** What one of several samples in a row took. */
const perSample = (
  { times, median, min, max }: Latency,
  repeats: number,
): Latency => ({
  times: times.map((time) => time / repeats),
  median: median / repeats,
  min: min / repeats,
  max: max / repeats,
});

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);

/** The gates as a picture, a row a step: `#` computes, `.` reuses; the last column is the whole step. */
function pattern(gates: Gates): string[] {
  return gates.map((row, t) =>
    `  step ${String(t).padStart(2)}  ${
      row.map((gate) => gate ? "#" : ".").join("")
    }`
  );
}

/** A measurement in lines for a terminal. */
export function speedLines({ gates, macs, latency }: Speed): string[] {
  const byMacs = macs.full / macs.subNet;
  const measured = latency.full.median / latency.subNet.median;
  const row = (name: string, macs: number, { median, min, max }: Latency) => [
    name,
    (macs / 1e9).toFixed(3),
    seconds(median),
    `${seconds(min)} to ${seconds(max)}`,
  ];
  return [
    ...pattern(gates),
    ...alignedLines([
      ["", "GMACs", "median s", "range s"],
      row("full", macs.full, latency.full),
      row("SubNet", macs.subNet, latency.subNet),
    ], { left: 1 }),
    `sparsity ${(1 - macs.subNet / macs.full).toFixed(4)}`,
    `speedup by MACs ${byMacs.toFixed(3)}, measured ${
      measured.toFixed(3)
    }, measured / MACs ${
      (measured / byMacs).toFixed(3)
    } (${latency.full.times.length} rounds)`,
  ];
}
