/** This device's speed, measured on one convolution; estimates of hours are made from it. */
import { GraphBuilder, macsOfGraph, sumMacs } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { type Device, openSession } from "@dip-go/core/runtime";

const channels = 320;
const side = 64;
const rounds = 4;

/** A description of the convolution whose rate is measured. */
export const rateProbe =
  `a 3x3 convolution of ${channels} channels at ${side}x${side} in single precision, the best of ${rounds} runs`;

/** Multiply-accumulates a second of {@linkcode rateProbe}; takes about a second. */
export async function deviceRate(device: Device): Promise<number> {
  const random = new TorchGenerator(0);
  const g = new GraphBuilder("rate");
  const shape = [2, channels, side, side];
  const x = g.input("x", "float32", shape);
  const kernel = g.constant(random.randn([channels, channels, 3, 3]));
  const graph = g.build({ y: g.conv(x, kernel, null, { pads: [1, 1, 1, 1] }) });
  const macs = sumMacs(macsOfGraph(graph).values()).total;
  const feeds = { x: random.randn(shape) };
  await using session = await openSession(graph, { device });
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    await session.run(feeds);
    best = Math.min(best, performance.now() - started);
  }
  return macs / (best / 1000);
}
