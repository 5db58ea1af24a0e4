import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { waves, waveWeights } from "@dip-go/testing/models";
import { shareNodes } from "../../onnx/rewrites/share_nodes.ts";
import { openSession } from "../../runtime/session.ts";
import { float32, sizeOf } from "../../tensor/tensor.ts";
import { type BlockGraph, wholeGraph } from "../block_graph/block_graph.ts";
import { noWeights } from "../block_graph/weights.ts";
import { fluxBlockGraph } from "./flux.ts";
import { parseFluxConfig } from "./flux_config.ts";
import { sd3BlockGraph } from "./sd3.ts";
import { parseSd3Config } from "./sd3_config.ts";

const sd3 = {
  _class_name: "SD3Transformer2DModel",
  attention_head_dim: 4,
  caption_projection_dim: 12,
  in_channels: 3,
  joint_attention_dim: 5,
  num_attention_heads: 3,
  num_layers: 2,
  out_channels: 3,
  pooled_projection_dim: 7,
  pos_embed_max_size: 9,
  sample_size: 8,
};

const flux = {
  _class_name: "FluxTransformer2DModel",
  attention_head_dim: 8,
  axes_dims_rope: [2, 4, 2],
  guidance_embeds: true,
  in_channels: 8,
  joint_attention_dim: 5,
  num_attention_heads: 2,
  num_layers: 1,
  num_single_layers: 2,
  pooled_projection_dim: 6,
};

const sd3Graph = (
  own: object,
  options: Parameters<typeof sd3BlockGraph>[2],
  weights = waveWeights,
): BlockGraph =>
  sd3BlockGraph(parseSd3Config({ ...sd3, ...own }, "sd3"), weights, options);

const fluxGraph = (
  own: object,
  options: Parameters<typeof fluxBlockGraph>[2],
  weights = waveWeights,
): BlockGraph =>
  fluxBlockGraph(
    parseFluxConfig({ ...flux, ...own }, "flux"),
    weights,
    options,
  );

/** Outputs of diffusers, with waves as inputs and weights: eight values from the first to the last. */
const recorded: Readonly<
  Record<string, { graph: BlockGraph; timestep: number[]; values: number[] }>
> = {
  "SD3, oblong": {
    graph: sd3Graph({}, {
      batch: 2,
      tokens: 4,
      latents: { height: 6, width: 14 },
    }),
    timestep: [601.3, 20],
    values: [
      ...[1.1794118, 0.4645015, 1.3021928, -0.7970503],
      ...[0.0606157, -1.2036812, -0.0412822, -0.494565],
    ],
  },
  "SD3.5, whose last block is dual too, as high as its positions": {
    graph: sd3Graph(
      { dual_attention_layers: [0, 1], qk_norm: "rms_norm", out_channels: 2 },
      { batch: 1, tokens: 3, latents: { height: 18, width: 2 } },
    ),
    timestep: [999],
    values: [
      ...[-0.7776423, -0.8751397, -0.81085, -0.8971385],
      ...[1.3059082, 1.5143372, 1.2673467, -1.6956858],
    ],
  },
  "SD3.5 of one head and patches of one latent": {
    graph: sd3Graph({
      attention_head_dim: 8,
      caption_projection_dim: 8,
      dual_attention_layers: [2],
      joint_attention_dim: 9,
      num_attention_heads: 1,
      num_layers: 3,
      patch_size: 1,
      qk_norm: "rms_norm",
    }, { batch: 1, tokens: 6, latents: { height: 4, width: 5 } }),
    timestep: [345.25],
    values: [
      ...[-1.6747936, -1.6196098, -1.8181221, -0.6339242],
      ...[-0.225752, 1.7290751, 1.4794776, 1.1697546],
    ],
  },
  "FLUX with guidance": {
    graph: fluxGraph({}, {
      batch: 2,
      tokens: 3,
      latents: { height: 6, width: 4 },
    }),
    timestep: [601.3, 20],
    values: [
      ...[0.6195009, 1.0220659, 0.4533058, -1.5668169],
      ...[0.6365969, -1.1740743, 0.3697647, -1.5695021],
    ],
  },
  "FLUX without, oblong": {
    graph: fluxGraph({
      axes_dims_rope: [4, 2, 2],
      guidance_embeds: false,
      in_channels: 12,
      num_layers: 2,
      num_single_layers: 1,
    }, { batch: 1, tokens: 5, latents: { height: 2, width: 10 } }),
    timestep: [250],
    values: [
      ...[1.8448722, 0.221201, -0.4151644, -0.0853573],
      ...[-2.1698644, 0.8050452, -1.1719508, 0.2596336],
    ],
  },
};

for (const [name, { graph, timestep, values }] of Object.entries(recorded)) {
  Deno.test(`a network on two streams gives diffusers' outputs: ${name}`, async () => {
    await using session = await openSession(wholeGraph(graph));
    const given = {
      timestep: float32([timestep.length], timestep),
      guidance: float32([2], [3.5, 1]),
    };
    const feeds = graph.inputs.map(({ name, shape }) => [
      name,
      { ...given }[name] ?? waves(shape),
    ]);
    const { prediction } = await session.run(Object.fromEntries(feeds));
    const last = sizeOf(prediction.shape) - 1;
    values.forEach((value, i) => {
      const at = Math.floor(i * last / (values.length - 1));
      assertAlmostEquals(Number(prediction.data[at]), value, 2e-5);
    });
  });
}

const sized = { batch: 1, tokens: 4, latents: { height: 4, width: 4 } };

const gated = ({ blocks }: BlockGraph) =>
  blocks.filter((block) => block.gated)
    .map(({ name, streams = [] }) => [name, ...streams]);

Deno.test("units of SD3: joint attention adds to both streams, each stream's feed-forward to its own, and the last block to the picture alone", () => {
  const own = { dual_attention_layers: [0], qk_norm: "rms_norm" };
  const [first, last] = ["transformer_blocks.0", "transformer_blocks.1"];
  assertEquals(
    gated(sd3Graph(own, { ...sized, granularity: "sublayer" }, noWeights)),
    [
      [`${first}.attn`, "pos_embed", "context_embedder"],
      [`${first}.attn2`, `${first}.attn`],
      [`${first}.ff`, `${first}.attn2`],
      [`${first}.ff_context`, `${first}.attn.context`],
      [`${last}.attn`, first],
      [`${last}.ff`, `${last}.attn`],
    ],
  );
  assertEquals(gated(sd3Graph(own, sized, noWeights)), [
    [first, "pos_embed", "context_embedder"],
    [last, first],
  ]);
});

Deno.test("units of FLUX: blocks on two streams, then on one", () => {
  const [double, single] = ["transformer_blocks", "single_transformer_blocks"];
  assertEquals(gated(fluxGraph({}, sized, noWeights)), [
    [`${double}.0`, "x_embedder", "context_embedder"],
    [`${single}.0`, "single_stream"],
    [`${single}.1`, `${single}.0`],
  ]);
});

Deno.test("SD3's table of positions is stored with its weights, but is a constant", () => {
  const { initializers } = wholeGraph(sd3Graph({}, sized, noWeights));
  const table = initializers.get("pos_embed.pos_embed")!;
  assertEquals([table.role, table.shape], ["constant", [1, 81, 12]]);
});

Deno.test("a graph holds FLUX's tables of positions once", () => {
  const large = { ...sized, latents: { height: 64, width: 80 } };
  const graph = shareNodes(wholeGraph(fluxGraph({}, large, noWeights)));
  const tables = [...graph.initializers.values()]
    .filter(({ shape }) => shape.length === 5);
  assertEquals(tables.length, 2);
});

Deno.test("sd3BlockGraph() refuses latents that its positions or patches do not cover", () => {
  const build = (height: number) => () =>
    sd3Graph({}, { ...sized, latents: { height, width: 4 } }, noWeights);
  assertThrows(
    build(20),
    RangeError,
    "Cannot build an SD3: latents are 20x4, expected at most 18 a side",
  );
  assertThrows(build(5), RangeError, "expected multiples of the patch size 2");
});

const refused: [string, object, string][] = [
  ["sd3", { qk_norm: "layer_norm" }, `"qk_norm" is "layer_norm"`],
  ["sd3", { caption_projection_dim: 16 }, `expected 12`],
  ["sd3", { dual_attention_layers: [1.5] }, `"dual_attention_layers" is [1.5]`],
  ["sd3", { force_inject: 1 }, `"force_inject" is 1, expected no key`],
  ["flux", { axes_dims_rope: [2, 2, 2] }, `add up to attention_head_dim 8`],
  ["flux", { axes_dims_rope: [1, 5, 2] }, `three even numbers`],
  ["flux", { in_channels: 6 }, `"in_channels" is 6, expected a multiple of 4`],
  ["flux", { out_channels: 4 }, `"out_channels" is 4, expected null or 8`],
  ["flux", { patch_size: 2 }, `"patch_size" is 2, expected 1`],
  ["flux", { qk_norm: "rms" }, `"qk_norm" is "rms", expected no key`],
];

Deno.test("configurations that ask for another network are refused by key", () => {
  for (const [family, own, message] of refused) {
    const parse = family === "sd3"
      ? () => parseSd3Config({ ...sd3, ...own }, "config.json")
      : () => parseFluxConfig({ ...flux, ...own }, "config.json");
    assertThrows(parse, TypeError, message);
  }
});

Deno.test("configurations without keys are diffusers' defaults", () => {
  const classOf = ({ _class_name }: { _class_name: string }) => ({
    _class_name,
  });
  const bare = [
    parseFluxConfig(classOf(flux), "flux"),
    parseSd3Config(classOf(sd3), "sd3"),
  ];
  assertEquals(bare.map(({ layers, heads }) => [layers, heads]), [
    [19, 24],
    [18, 18],
  ]);
});
