import {
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { clipTextGraph } from "../../models/clip/clip.ts";
import { loadClipText } from "../../models/clip/clip_load.ts";
import { t5EncoderGraph } from "../../models/t5/t5.ts";
import { loadT5Encoder } from "../../models/t5/t5_load.ts";
import { openSession } from "../../runtime/session.ts";
import { float32, int64, type Tensor } from "../../tensor/tensor.ts";
import { loadPipeline } from "../pipeline.ts";
import type { SamplerOptions } from "../sampler_options.ts";
import type { PromptEncoder, PromptInputs } from "../prompts/prompt_encoder.ts";
import { inTinyPipeline } from "@dip-go/testing/models";

/** The encoders of a pipeline for 128x128 pixels. */
async function opened(
  folder: string,
  options: SamplerOptions = {},
): Promise<PromptEncoder> {
  const { kind, model } = await loadPipeline(folder);
  return await kind.prompts!.open(folder, {
    network: model,
    size: { height: 128, width: 128 },
    options,
    sessions: {},
  });
}

/** Features of a pipeline's tower for token ids. */
async function towerFeatures(
  folder: string,
  ids: readonly number[],
): Promise<Record<string, Tensor>> {
  const { config, weights } = await loadClipText(folder);
  const outputs = [
    "last_hidden_state",
    `hidden_states.${config.layers - 1}`,
    `hidden_states.${config.layers - 2}`,
    ...(config.projection ? ["embeds"] : []),
  ];
  const graph = clipTextGraph(config, weights, { batch: 1, outputs });
  await using session = await openSession(graph);
  return await session.run({ input_ids: int64([1, ids.length], ids) });
}

const numbers = ({ data }: Tensor) => [...data as Float32Array];

function assertClose(found: Tensor, expected: readonly number[]): void {
  const values = numbers(found);
  assertEquals(values.length, expected.length);
  values.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-5));
}

/** Token ids of "b c" and "" in the tiny vocabulary: 26 letters, the same at the end of a word, start, end. */
const [start, end] = [52, 53];
const first = [start, 27, 28, end, end, end, end, end];
const second = [start, 27, 28, end, 0, 0, 0, 0]; // padded with "a"
const empty = [start, end, end, end, end, end, end, end];

Deno.test("a Stable Diffusion pipeline's prompt is the last features of its text tower", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    await using encoder = await opened(folder);
    assertEquals(encoder.tokens, 8);
    const tower = `${folder}/text_encoder`;
    for (
      const [ids, inputs] of [
        [first, await encoder.encode("b c")],
        [empty, await encoder.unconditional()],
      ] as [number[], PromptInputs][]
    ) {
      assertEquals(Object.keys(inputs), ["encoder_hidden_states"]);
      assertEquals(inputs.encoder_hidden_states.shape, [1, 8, 32]);
      const { last_hidden_state } = await towerFeatures(tower, ids);
      assertClose(inputs.encoder_hidden_states, numbers(last_hidden_state));
    }
  });
});

Deno.test("an SDXL pipeline's prompt is both towers' last features but one, the second's embedding and the picture's size", async () => {
  await inTinyPipeline("StableDiffusionXLPipeline", async (folder) => {
    await using encoder = await opened(folder);
    const found = await encoder.encode("b c");
    const one = await towerFeatures(`${folder}/text_encoder`, first);
    const two = await towerFeatures(`${folder}/text_encoder_2`, second);
    const [a, b] = [
      numbers(one["hidden_states.1"]),
      numbers(two["hidden_states.2"]),
    ];
    const rows = Array.from({ length: 8 }, (_, i) => [
      ...a.slice(32 * i, 32 * (i + 1)),
      ...b.slice(24 * i, 24 * (i + 1)),
    ]);
    assertEquals(found.encoder_hidden_states.shape, [1, 8, 56]);
    assertClose(found.encoder_hidden_states, rows.flat());
    assertClose(found.text_embeds, numbers(two.embeds));
    const ids = float32([1, 6], [128, 128, 0, 0, 128, 128]);
    assertEquals(found.time_ids, ids);
  });
});

Deno.test("an SDXL pipeline says whether its unconditional features are zeros; the sizes stay", async () => {
  await inTinyPipeline("StableDiffusionXLPipeline", async (folder) => {
    const unconditional = async () => {
      await using encoder = await opened(folder);
      const empty = await encoder.encode("");
      return { empty, found: await encoder.unconditional() };
    };
    const { empty, found } = await unconditional();
    assertEquals(new Set(numbers(found.encoder_hidden_states)), new Set([0]));
    assertEquals(found.text_embeds, float32([1, 20], Array(20).fill(0)));
    assertEquals(found.time_ids, empty.time_ids);
    const index = `${folder}/model_index.json`;
    const write = (force: unknown) =>
      Deno.writeTextFile(
        index,
        JSON.stringify({
          _class_name: "StableDiffusionXLPipeline",
          force_zeros_for_empty_prompt: force,
        }),
      );
    await write(false);
    const other = await unconditional();
    assertEquals(other.found, other.empty);
    await write("no");
    await assertRejects(
      () => opened(folder),
      TypeError,
      `key "force_zeros_for_empty_prompt" is "no"`,
    );
  });
});

Deno.test("an SDXL pipeline whose towers read texts of different lengths is refused", async () => {
  await inTinyPipeline("StableDiffusionXLPipeline", async (folder) => {
    const config = { model_max_length: 7, pad_token: "a" };
    const file = `${folder}/tokenizer_2/tokenizer_config.json`;
    await Deno.writeTextFile(file, JSON.stringify(config));
    await assertRejects(
      () => opened(folder),
      RangeError,
      "its tokenizers make 8 and 7 tokens",
    );
  });
});

Deno.test("a PixArt pipeline's prompt is T5's features of 120 tokens, its mask and the picture's size", async () => {
  await inTinyPipeline("PixArtAlphaPipeline", async (folder) => {
    await using encoder = await opened(folder);
    const found = await encoder.encode(" B c\n");
    const own = [3 + 1, 3 + 2, 1]; // after padding, end and unknown
    const padded = (values: readonly number[]) =>
      int64([1, 120], [...values, ...Array(120 - values.length).fill(0)]);
    const mask = padded([1, 1, 1]);
    assertEquals(found.encoder_attention_mask, mask);
    assertEquals(found.resolution, float32([1, 2], [128, 128]));
    assertEquals(found.aspect_ratio, float32([1, 1], [1]));
    const { config, weights } = await loadT5Encoder(`${folder}/text_encoder`);
    const graph = t5EncoderGraph(config, weights, { batch: 1, tokens: 120 });
    await using session = await openSession(graph);
    const { last_hidden_state } = await session.run({
      input_ids: padded(own),
      attention_mask: mask,
    });
    assertClose(found.encoder_hidden_states, numbers(last_hidden_state));
    const none = await encoder.unconditional();
    assertEquals(none.encoder_attention_mask, padded([1]));
  });
});

const sd3 = "StableDiffusion3Pipeline";

/** T5's features of a text of one token and its end, with attention to padding. */
async function t5Features(folder: string, length: number): Promise<Tensor> {
  const { config, weights } = await loadT5Encoder(folder);
  const size = { batch: 1, tokens: length };
  await using session = await openSession(
    t5EncoderGraph(config, weights, size),
  );
  const own = Array<number>(length).fill(1);
  const { last_hidden_state } = await session.run({
    input_ids: int64([1, length], own.map((_, i) => [3 + 1, 1][i] ?? 0)),
    attention_mask: int64([1, length], own),
  });
  return last_hidden_state;
}

Deno.test("an SD3 pipeline's prompt is both towers' features with zeros beside them, then T5's; layers are skipped in prompts alone", async () => {
  await inTinyPipeline(sd3, async (folder) => {
    assertEquals((await loadPipeline(folder)).tokens, 8 + 256);
    const asked = { clipSkip: 1, maxSequenceLength: 4 };
    await using encoder = await opened(folder, asked);
    const one = await towerFeatures(`${folder}/text_encoder`, [
      ...[start, 27, end, end, end, end, end, end],
    ]);
    const two = await towerFeatures(`${folder}/text_encoder_2`, [
      ...[start, 27, end, 0, 0, 0, 0, 0],
    ]);
    const t5 = numbers(await t5Features(`${folder}/text_encoder_3`, 4));
    const rows = (a: Tensor, b: Tensor) =>
      Array.from({ length: 8 }, (_, i) => [
        ...numbers(a).slice(32 * i, 32 * (i + 1)),
        ...numbers(b).slice(24 * i, 24 * (i + 1)),
        ...Array(8).fill(0),
      ]).flat();
    const negative = await encoder.encodeNegative("b");
    assertEquals(negative.encoder_hidden_states.shape, [1, 12, 64]);
    assertClose(negative.encoder_hidden_states, [
      ...rows(one["hidden_states.1"], two["hidden_states.2"]),
      ...t5,
    ]);
    const pooled = [...numbers(one.embeds), ...numbers(two.embeds)];
    assertClose(negative.pooled_projections, pooled);
    const found = await encoder.encode("b");
    assertClose(found.encoder_hidden_states, [
      ...rows(one["hidden_states.0"], two["hidden_states.1"]),
      ...t5,
    ]);
  });
});

Deno.test("an SD3 pipeline without its T5 has zeros instead of its features", async () => {
  await inTinyPipeline(sd3, async (folder) => {
    await Deno.writeTextFile(
      `${folder}/model_index.json`,
      JSON.stringify({ _class_name: sd3, text_encoder_3: [null, null] }),
    );
    await Deno.remove(`${folder}/text_encoder_3`, { recursive: true });
    await using encoder = await opened(folder);
    const { encoder_hidden_states: text } = await encoder.unconditional();
    assertEquals(text.shape, [1, 8 + 256, 64]);
    assertEquals(new Set(numbers(text).slice(8 * 64)), new Set([0]));
  });
});

Deno.test("a FLUX pipeline's prompt is T5's features, CLIP's pooled one and the scale of guidance", async () => {
  await inTinyPipeline("FluxPipeline", async (folder) => {
    const pipeline = await loadPipeline(folder);
    const size = { height: 40, width: 71 }; // cut to 32x64
    const sampler = pipeline.sampler({ ...size, maxSequenceLength: 4 });
    assertEquals([sampler.guided, sampler.tokens], [false, 4]);
    assertEquals(sampler.latents, [4, 4, 8]);
    await using conditioner = await sampler.openConditioner();
    const found = await conditioner.conditioning(["b"]);
    assertEquals(found.guidance, float32([1], [3.5]));
    const t5 = await t5Features(`${folder}/text_encoder_2`, 4);
    assertClose(found.encoder_hidden_states, numbers(t5));
    assertEquals(found.pooled_projections.shape, [1, 32]);
    const shapes = sampler.graph().inputs.slice(2)
      .map(({ name, shape }) => [name, shape]);
    assertEquals(
      Object.fromEntries(shapes),
      Object.fromEntries(
        Object.entries(found).map(([name, { shape }]) => [name, shape]),
      ),
    );
  });
});

Deno.test("a PixArt starts from noise, as it does in diffusers", () =>
  inTinyPipeline("PixArtAlphaPipeline", async (folder) => {
    const pipeline = await loadPipeline(folder);
    const size = { height: 8, width: 8, channels: 3 };
    const image = { ...size, data: new Uint8Array(192) };
    assertThrows(
      () => pipeline.sampler({ start: { image } }),
      TypeError,
      "pipelines of its kind start from noise",
    );
  }));

Deno.test("networks of flow matching and samplers of none are kept apart", async () => {
  await inTinyPipeline(sd3, async (folder) => {
    const pipeline = await loadPipeline(folder);
    assertThrows(
      () => pipeline.sampler({ kind: "ddim" }),
      RangeError,
      "the sampler is ddim, expected flow-euler, flow-heun or a scheduler with",
    );
  });
  const other = await loadPipeline("zoo/models/dit-shapes");
  assertThrows(
    () => other.sampler({ kind: "flow-heun", steps: 2 }),
    RangeError,
    "the sampler is flow-heun, expected none of flow matching for a dit",
  );
});

Deno.test("FLUX runs twice for true guidance, which needs a negative prompt", async () => {
  await inTinyPipeline("FluxPipeline", async (folder) => {
    const pipeline = await loadPipeline(folder);
    const options = { steps: 2, height: 16, width: 16, maxSequenceLength: 4 };
    const sampler = pipeline.sampler({ ...options, trueCfgScale: 2 });
    assertEquals([sampler.guided, sampler.guidanceScale], [true, 2]);
    const [guided] = await sampler.sample("b", { negativePrompt: "c" });
    const [own] = await pipeline.sampler(options).sample("b");
    assertEquals([guided.shape, own.shape], [[3, 16, 16], [3, 16, 16]]);
    assertNotEquals(numbers(guided), numbers(own));
    await assertRejects(
      () => sampler.sample("b"),
      RangeError,
      "there is no negative prompt",
    );
    for (const trueCfgScale of [-1, NaN]) {
      assertThrows(
        () => pipeline.sampler({ ...options, trueCfgScale }),
        RangeError,
        `trueCfgScale is ${trueCfgScale}, expected a number from 0`,
      );
    }
  });
});

Deno.test("layers of CLIP that a tower has not cannot be left out", async () => {
  const most = [
    ["StableDiffusionPipeline", 2],
    ["StableDiffusionXLPipeline", 1],
    [sd3, 1],
  ] as const;
  for (const [kind, limit] of most) {
    await inTinyPipeline(kind, async (folder) => {
      await using _allowed = await opened(folder, { clipSkip: limit });
      await assertRejects(
        () => opened(folder, { clipSkip: limit + 1 }),
        RangeError,
        `clipSkip is ${
          limit + 1
        }, expected at most ${limit}, as text_encoder has 2 layers`,
      );
    });
  }
});

Deno.test("a DiT has no prompts, and no layers of CLIP to leave out", async () => {
  const pipeline = await loadPipeline("zoo/models/dit-shapes");
  assertEquals(pipeline.kind.prompts, undefined);
  assertThrows(
    () => pipeline.sampler({ clipSkip: 1 }),
    RangeError,
    "clipSkip is 1, expected none",
  );
});
