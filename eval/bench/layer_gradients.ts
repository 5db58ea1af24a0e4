/** The speed of the layers in which training a UNet spends its time, forward and backward, each layer alone. */
import { columnLines } from "../tables/aligned_lines.ts";
import { parametersAsInputs, vjpGraph } from "@dip-go/core/autodiff";
import { convolution, groupNorm, noWeights } from "@dip-go/core/models";
import { GraphBuilder, type Value } from "@dip-go/core/onnx";
import { openSession } from "@dip-go/core/runtime";
import { interleave, type Latency } from "../statistics/latency.ts";
import type { FiguresOf } from "./figures.ts";
import { macsOf, rateOf } from "./large_products.ts";
import { randomFeeds } from "./subjects/random_feeds.ts";

/** A layer and the shape of its input, `[B, C, H, W]`. */
export interface LayerSubject {
  readonly name: string;
  readonly shape: readonly number[];
  layer(g: GraphBuilder, x: Value): Value;
}

const module = { path: "layer", weights: noWeights };

function conv(
  shape: readonly number[],
  { channels, kernel = 3, stride = 1 }: {
    channels: number;
    kernel?: number;
    stride?: number;
  },
): LayerSubject {
  const options = { ...module, channels, kernel, stride };
  const name = `conv ${kernel}x${kernel} to ${channels}, stride ${stride}`;
  return { name, shape, layer: (g, x) => convolution(g, x, options) };
}

const layerOf =
  (name: string, layer: LayerSubject["layer"]) =>
  (shape: readonly number[]): LayerSubject => ({ name, shape, layer });

const norm = layerOf(
  "group norm",
  (g, x) => groupNorm(g, x, { ...module, groups: 32, epsilon: 1e-5 }),
);

const silu = layerOf("SiLU", (g, x) => g.silu(x));

const nearest = layerOf("nearest 2x", (g, x) => {
  const [batch, channels, height, width] = x.shape;
  return g.resize(x, [batch, channels, 2 * height, 2 * width]);
});

/** Input shapes in a UNet trained here, and in one of Stable Diffusion's size. */
const [small, large] = [[32, 64, 16, 16], [8, 320, 64, 64]];

export const layerSubjects: readonly LayerSubject[] = [
  conv(small, { channels: 64 }),
  conv([32, 128, 8, 8], { channels: 128 }),
  conv(small, { channels: 64, kernel: 1 }),
  conv(small, { channels: 64, stride: 2 }),
  norm(small),
  silu(small),
  nearest(small),
  conv(large, { channels: 320 }),
  conv([8, 640, 32, 32], { channels: 320, kernel: 1 }),
  conv(large, { channels: 320, stride: 2 }),
  norm(large),
  silu(large),
  nearest([8, 320, 32, 32]),
];

/** The graphs of a layer, its input's gradient and any weights' gradient; weights are inputs, as in training. */
function passGraphs({ name, shape, layer }: LayerSubject) {
  const g = new GraphBuilder(name);
  const x = g.input("x", "float32", shape);
  const forward = parametersAsInputs(g.build({ y: layer(g, x) }));
  const weights = forward.inputs.slice(1).map((input) => input.name);
  const data = vjpGraph(forward, { wrt: ["x"] });
  return weights.length === 0
    ? { forward, data }
    : { forward, data, weights: vjpGraph(forward, { wrt: weights }) };
}

/** Times a layer's passes, which take turns; `macs` is one pass's. @throws {RangeError} If `rounds` is less than 1. */
async function measureLayer(
  subject: LayerSubject,
  { rounds }: { rounds: number },
) {
  const graphs = passGraphs(subject);
  await using sessions = new AsyncDisposableStack();
  const runs: Record<string, () => Promise<unknown>> = {};
  for (const [pass, graph] of Object.entries(graphs)) {
    const session = sessions.use(await openSession(graph));
    const feeds = randomFeeds(graph);
    runs[pass] = () => session.run(feeds);
  }
  const { name, shape } = subject;
  const latency: Readonly<Partial<Record<string, Latency>>> = await interleave(
    runs,
    { rounds },
  );
  return { name, shape, macs: macsOf(graphs.forward), latency };
}

/** Measures the layers one after the other. */
export const measureLayers = (
  subjects: readonly LayerSubject[],
  options: { rounds: number },
) => Array.fromAsync(subjects, (subject) => measureLayer(subject, options));

/** Formats a line for each layer: each pass's median milliseconds, and its rate if the layer multiplies matrices. */
export const layerLines = (
  speeds: FiguresOf<typeof measureLayers>,
): string[] => [
  ...columnLines(speeds, [
    ["layer", ({ name }) => name],
    ["input", ({ shape }) => `[${shape.join(", ")}]`],
    ["forward", ({ macs, latency }) => timeAndRate(latency.forward, macs)],
    ["data", ({ macs, latency }) => timeAndRate(latency.data, macs)],
    ["weights", ({ macs, latency }) => timeAndRate(latency.weights, macs)],
  ], { left: 2 }),
  "milliseconds, median; in brackets GFLOP/s, two a multiply-accumulate",
];

function timeAndRate(latency: Latency | undefined, macs: number): string {
  if (!latency) return "";
  const { median } = latency;
  const time = median.toFixed(median < 10 ? 2 : 1);
  return macs > 0 ? `${time} (${rateOf(macs, median).toFixed(0)})` : time;
}
