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
  type SessionOptions,
  useSoftwareGpu,
} from "@dip-go/core/runtime";
import {
  denseGates,
  type Gates,
  subNetMacs,
  type SuperNet,
} from "@dip-go/supernet/gates";
import {
  openFusedSubNet,
  stepGraph,
  stepPlans,
  SubNetRunner,
} from "@dip-go/supernet/sampling";
import { interleave, type Latency } from "../../statistics/latency.ts";
import { fullSubjects, type GpuSubject, tinySubjects } from "./gpu_subjects.ts";
import { mixedGates } from "../subjects/mixed_gates.ts";

export interface GpuBenchOptions {
  readonly device: Device;
  readonly precision: Precision;
  readonly steps: number;
  /** Timed turns of each, after one that is not timed. */
  readonly rounds: number;
  /** Shapes that a device in software computes in a minute. */
  readonly tiny: boolean;
  /** Whether to compute in software where there is no GPU. */
  readonly software: boolean;
}

/** Fractions of the MACs that the SubNets leave out. */
const sparsities = [0.6, 0.8];

/** A sampler of one model: MACs in the total convention, milliseconds a picture. */
export interface MeasuredSampler {
  readonly name: string;
  readonly macs: number;
  readonly latency: Latency;
}

/** One model's figures. */
export interface GpuMeasurement {
  readonly model: string;
  /** Operators of a whole step that the device left to the CPU. */
  readonly offDevice: readonly string[];
  /** The full one first. */
  readonly samplers: readonly MeasuredSampler[];
}

/**
 * Measures every model in turn.
 *
 * @throws {Error} If there is no such device, or it does not compute in the precision.
 */
export async function* measureGpu(
  { tiny, software, ...options }: GpuBenchOptions,
): AsyncGenerator<GpuMeasurement> {
  if (software && !useSoftwareGpu()) {
    throw new Error(
      "Cannot bench in software: there is no SwiftShader in /usr/lib/chromium, expected that of Debian's package chromium",
    );
  }
  for (const subject of tiny ? tinySubjects : fullSubjects) {
    yield await measured(subject, options);
  }
}

async function measured(
  { name: model, make }: GpuSubject,
  { steps, rounds, device, precision }: Pick<
    GpuBenchOptions,
    "steps" | "rounds" | "device" | "precision"
  >,
): Promise<GpuMeasurement> {
  const { net, request } = make(steps);
  const options = { device, precision };
  const plans = new Map<string, Gates>([
    ["full", denseGates(net.steps, net.units.length)],
    ...sparsities.map((s): [string, Gates] => [
      s.toFixed(1),
      mixedGates(net, s),
    ]),
  ]);
  await using runner = new SubNetRunner(net, options);
  await using opened = new AsyncDisposableStack();
  const functions: Record<string, () => Promise<unknown>> = {};
  for (const [name, gates] of plans) {
    const subNet = opened.use(
      await openFusedSubNet(runner, gates, { mostWeights: Infinity }),
    );
    functions[name] = () => subNet.sample(request);
  }
  const latencies = await interleave(functions, { rounds });
  return {
    model,
    offDevice: await offDevice(net, options),
    samplers: [...plans].map(([name, gates]) => ({
      name,
      macs: subNetMacs(net, gates),
      latency: latencies[name],
    })),
  };
}

/** Of a step with every block in it. */
async function offDevice(
  net: SuperNet,
  options: SessionOptions,
): Promise<string[]> {
  const dense = denseGates(net.steps, net.units.length);
  const graph = stepGraph(net, stepPlans(net, dense)[0]);
  const nodes = await nodesOffDevice(graph, options);
  return nodes.map(({ name, op }) => `${op} (${name})`);
}

/** A model's figures for a terminal. */
export function gpuLines(
  { model, offDevice, samplers }: GpuMeasurement,
): string[] {
  const [full] = samplers;
  const byMacs = ({ macs }: MeasuredSampler) => full.macs / macs;
  const measured = ({ latency }: MeasuredSampler) =>
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
