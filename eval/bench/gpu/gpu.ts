/**
 * `deno task bench gpu`: on a GPU, the full sampler beside SubNets at two
 * sparsities, one guided picture at a time. Self-contained: weights are random
 * and made on the spot, so it also runs from the folder that `--pack` makes.
 */
import { columnLines } from "../../tables/aligned_lines.ts";
import {
  type Device,
  nodesOffDevice,
  type Precision,
  useSoftwareGpu,
} from "@dip-go/core/runtime";
import { denseGates, type Gates, subNetMacs } from "@dip-go/supernet/gates";
import {
  openFusedSubNet,
  stepGraph,
  stepPlans,
  SubNetRunner,
} from "@dip-go/supernet/sampling";
import { interleave } from "../../statistics/latency.ts";
import type { FiguresOf } from "../figures.ts";
import { fullSubjects, type GpuSubject, tinySubjects } from "./gpu_subjects.ts";
import { mixedGates } from "../subjects/mixed_gates.ts";

export interface GpuBenchOptions {
  readonly device: Device;
  readonly precision: Precision;
  readonly steps: number;
  /** The number of timed turns of each sampler, after one untimed turn. */
  readonly rounds: number;
  /** Whether to use models small enough for a device in software, which computes them in a minute. */
  readonly tiny: boolean;
  /** Whether to compute in software if there is no GPU. */
  readonly software: boolean;
}

const sparsities = [0.6, 0.8];

/**
 * Measures every model in turn.
 *
 * @throws {Error} If the device is missing, or does not compute in the precision.
 */
export async function* measureGpu(
  { tiny, software, ...options }: GpuBenchOptions,
) {
  if (software && !useSoftwareGpu()) {
    throw new Error(
      "Cannot bench in software: there is no SwiftShader in /usr/lib/chromium, expected that of Debian's package chromium",
    );
  }
  for (const subject of tiny ? tinySubjects : fullSubjects) {
    yield await measured(subject, options);
  }
}

/** Measures one model, the full sampler first: MACs (total convention), ms a picture, and operators left to the CPU. */
async function measured(
  { name: model, make }: GpuSubject,
  { steps, rounds, ...options }: Omit<GpuBenchOptions, "tiny" | "software">,
) {
  const { net, request } = make(steps);
  const plans = new Map<string, Gates>([
    ["full", denseGates(net.steps, net.units.length)],
    ...sparsities.map((s) => [s.toFixed(1), mixedGates(net, s)] as const),
  ]);
  await using runner = new SubNetRunner(net, options);
  await using opened = new AsyncDisposableStack();
  const functions: Record<string, () => Promise<unknown>> = {};
  for (const [name, gates] of plans) {
    const subNet = opened.use(
      await openFusedSubNet(runner, { gates }, { mostWeights: Infinity }),
    );
    functions[name] = () => subNet.sample(request);
  }
  const latencies = await interleave(functions, { rounds });
  const wholeStep = stepGraph(
    net,
    stepPlans(net, { gates: plans.get("full")! })[0],
  );
  const offDevice = await nodesOffDevice(wholeStep, options);
  return {
    model,
    offDevice: offDevice.map(({ name, op }) => `${op} (${name})`),
    samplers: [...plans].map(([name, gates]) => ({
      name,
      macs: subNetMacs(net, gates),
      latency: latencies[name],
    })),
  };
}

export function gpuLines(
  { model, offDevice, samplers }: FiguresOf<typeof measured>,
): string[] {
  const [full] = samplers;
  const byMacs = ({ macs }: typeof full) => full.macs / macs;
  const measured = ({ latency }: typeof full) =>
    full.latency.median / latency.median;
  return [
    model,
    ...columnLines(samplers, [
      ["sparsity", ({ name }) => name],
      ["GMACs", ({ macs }) => (macs / 1e9).toFixed(3)],
      ["median ms", ({ latency }) => latency.median.toFixed(1)],
      [
        "range ms",
        ({ latency: { min, max } }) => `${min.toFixed(1)} to ${max.toFixed(1)}`,
      ],
      ["MACs speedup", (row) => byMacs(row).toFixed(3)],
      ["measured", (row) => measured(row).toFixed(3)],
      ["measured / MACs", (row) => (measured(row) / byMacs(row)).toFixed(3)],
    ]),
    offDevice.length === 0
      ? "every operator on the device"
      : `on the CPU: ${offDevice.join(", ")}`,
    "",
  ];
}
