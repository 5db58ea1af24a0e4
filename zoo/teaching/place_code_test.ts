import { assert, assertAlmostEquals } from "@std/assert";
import {
  emitBlock,
  initUnetWeights,
  parseUnetConfig,
  unetBlockGraph,
} from "@dip-go/core/models";
import { GraphBuilder, type Value } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { markPlaces } from "./place_code.ts";

const channels = [8, 8, 16, 16];
const config = parseUnetConfig({
  ...JSON.parse(
    await Deno.readTextFile(
      new URL("../models/sd-shapes/unet/config.json", import.meta.url),
    ),
  ),
  block_out_channels: channels,
  cross_attention_dim: 8,
  norm_num_groups: 4,
}, "tiny unet");

Deno.test("markPlaces() gives every up block a code of left and right, top and bottom, whatever the input", async () => {
  const random = new TorchGenerator(2);
  const weights = initUnetWeights(config, random);
  const gains = [0.7, 0.6, 0.5];
  markPlaces(weights, {
    channels: channels.toReversed(),
    resnets: 3,
    groups: 4,
    magnitude: 3,
    gains,
  });
  const g = new GraphBuilder("unet");
  const source = (key: string) => ({ data: weights.get(key)! });
  const unet = unetBlockGraph(config, source, {
    batch: 1,
    tokens: 3,
    granularity: "branch",
  });
  const tensors = new Map<string, Value>(
    unet.inputs.map(({ name, dtype, shape }) => [
      name,
      g.input(name, dtype, shape),
    ]),
  );
  for (const block of unet.blocks) emitBlock(g, block, tensors);
  const ends = [
    "up_blocks.0.resnets.2",
    "up_blocks.1.attentions.2",
    "up_blocks.2.attentions.2",
    "up_blocks.3.attentions.2",
  ];
  const outputs = ends.map((name, i) =>
    [`level_${i}`, tensors.get(name)!] as const
  );
  await using session = await openSession(g.build(Object.fromEntries(outputs)));
  const feeds = Object.fromEntries(
    unet.inputs.map(({ name, shape }) => [name, random.randn(shape)]),
  );
  const results = await session.run(feeds);
  let expected = 1; // as a multiple of the first level's code
  ends.forEach((_, level) => {
    const { shape: [, count, side], data } = results[`level_${level}`];
    const first = results.level_0;
    [0, count / 4].forEach((channel, axis) => {
      const own = first.shape[1] / 4 * axis;
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const value = Number(data[(channel * side + y) * side + x]);
          const half = [x, y][axis] < side / 2 ? 1 : -1;
          assert(value * half > 0, `level ${level}, ${x}, ${y}: ${value}`);
          const [cx, cy] = [x, y].map((i) => Math.floor(2 * i / side));
          const code = Number(first.data[(own * 2 + cy) * 2 + cx]);
          assertAlmostEquals(value, expected * code, 1e-5);
        }
      }
    });
    expected *= gains[level];
  });
});
