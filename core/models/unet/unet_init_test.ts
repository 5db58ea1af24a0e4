import { assert, assertEquals } from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { openSession } from "../../runtime/session.ts";
import { float32, zeros } from "../../tensor/tensor.ts";
import { wholeGraph } from "../block_graph/block_graph.ts";
import { unetBlockGraph } from "./unet.ts";
import { parseUnetConfig } from "./unet_config.ts";
import { initUnetWeights } from "./unet_init.ts";

const config = parseUnetConfig(
  JSON.parse(Deno.readTextFileSync(
    new URL("../../../testdata/unet-sd15/config.json", import.meta.url),
  )),
  "config.json",
);
const weights = initUnetWeights(config, new TorchGenerator(0));

Deno.test("initUnetWeights() ends every residual branch with zeros", () => {
  const zero = [...weights].filter(([key, { data }]) =>
    data.every((x) => x === 0) && !/norm\d?\.bias$|norm_out\.bias$/.test(key)
  ).map(([key]) => key);
  // Weight and bias of 22 resnets' second convolutions, 16 transformers' projections, the output.
  assertEquals(zero.length, 2 * (22 + 16 + 1));
  assert(zero.includes("mid_block.resnets.1.conv2.weight"));
  assert(zero.includes("up_blocks.3.attentions.2.proj_out.bias"));
  assert(zero.includes("conv_out.weight"));
});

Deno.test("initUnetWeights() starts norms as the identity, and draws the rest as PyTorch does", () => {
  const of = (key: string) => weights.get(key)!.data;
  assert(of("mid_block.resnets.0.norm1.weight").every((x) => x === 1));
  assert(of("mid_block.resnets.0.norm1.bias").every((x) => x === 0));
  const check = (key: string, fanIn: number) => {
    const data = of(key);
    const bound = 1 / Math.sqrt(fanIn);
    const largest = Math.max(...data.map(Math.abs));
    assert(largest <= bound && largest > 0.8 * bound, `${key}: ${largest}`);
  };
  check("down_blocks.2.resnets.1.conv1.weight", 32 * 9);
  check("down_blocks.2.resnets.1.conv1.bias", 32 * 9);
  const block = "mid_block.attentions.0.transformer_blocks.0";
  check(`${block}.attn2.to_k.weight`, 32);
  check(`${block}.ff.net.2.bias`, 4 * 32);
});

Deno.test("initUnetWeights() predicts zero, whatever the latents", async () => {
  const graph = wholeGraph(unetBlockGraph(
    config,
    (key) => ({ data: weights.get(key)! }),
    { batch: 1, tokens: 3 },
  ));
  await using session = await openSession(graph);
  const { prediction } = await session.run({
    sample: new TorchGenerator(1).randn([1, 4, 16, 16]),
    timestep: float32([1], Float32Array.of(500)),
    encoder_hidden_states: new TorchGenerator(2).randn([1, 3, 32]),
  });
  assertEquals(prediction.data, zeros([1, 4, 16, 16]).data);
});
