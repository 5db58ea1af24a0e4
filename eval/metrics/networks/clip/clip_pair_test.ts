import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { clipTextGraph, clipVisionGraph } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, int64, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import { craftStateDict, inTemporaryFolder } from "@dip-go/testing/files";
import { clipModelJson } from "./open_clip.ts";
import { loadClipPair, textHalf, visionHalf } from "./clip_pair.ts";

/** The sizes of a tower. */
interface Tower {
  width: number;
  inner: number;
  layers: number;
  heads: number;
}

/** A published pair. */
interface Published {
  projection: number;
  activation: "gelu" | "quick_gelu";
  text: Tower & { vocabulary: number; positions: number };
  vision: Tower & { imageSize: number; patchSize: number };
  /** What the configurations of its towers say of the projection, which is not read. */
  towersProjection: number;
}

const tokens = { vocabulary: 49408, positions: 77 };
const patches = { imageSize: 224, patchSize: 14 };

/** LAION's ViT-g-14. */
const vitG: Published = {
  projection: 1024,
  activation: "gelu",
  text: { width: 1024, inner: 4096, layers: 24, heads: 16, ...tokens },
  vision: { width: 1408, inner: 6144, layers: 40, heads: 16, ...patches },
  towersProjection: 512,
};

/** OpenAI's ViT-L/14. */
const vitL: Published = {
  projection: 768,
  activation: "quick_gelu",
  text: { width: 768, inner: 3072, layers: 12, heads: 12, ...tokens },
  vision: { width: 1024, inner: 4096, layers: 24, heads: 16, ...patches },
  towersProjection: 768,
};

/** The same pair, small: widths that are no powers of 2, as ViT-g's, and heads of 22. */
const reduced = (pair: Published): Published => ({
  ...pair,
  projection: 20,
  text: {
    ...{ width: 32, inner: 128, layers: 2, heads: 2 },
    ...{ vocabulary: 50, positions: 9 },
  },
  vision: {
    ...{ width: 44, inner: 192, layers: 3, heads: 2 },
    ...{ imageSize: 28, patchSize: 14 },
  },
});

/** `config.json` as transformers writes it, with fields that it writes and nobody reads. */
function configJson(
  { projection, activation, text, vision, towersProjection }: Published,
) {
  const tower = ({ width, inner, layers, heads }: Tower) => ({
    _name_or_path: "",
    architectures: null,
    attention_dropout: 0.0,
    dropout: 0.0,
    hidden_act: activation,
    hidden_size: width,
    initializer_factor: 1.0,
    intermediate_size: inner,
    layer_norm_eps: 1e-5,
    num_attention_heads: heads,
    num_hidden_layers: layers,
    projection_dim: towersProjection,
    torch_dtype: null,
  });
  return {
    architectures: ["CLIPModel"],
    initializer_factor: 1.0,
    logit_scale_init_value: 2.6592,
    model_type: "clip",
    projection_dim: projection,
    text_config: {
      ...tower(text),
      bos_token_id: 0,
      eos_token_id: 2,
      max_position_embeddings: text.positions,
      model_type: "clip_text_model",
      pad_token_id: 1,
      vocab_size: text.vocabulary,
    },
    torch_dtype: "float32",
    vision_config: {
      ...tower(vision),
      image_size: vision.imageSize,
      model_type: "clip_vision_model",
      num_channels: 3,
      patch_size: vision.patchSize,
    },
  };
}

/** Key and shape of every weight in a published file, without the positions. */
function publishedKeys(
  { projection, text, vision }: Published,
): Map<string, number[]> {
  const keys = new Map<string, number[]>([["logit_scale", []]]);
  const linear = (path: string, out: number, from: number) => {
    keys.set(`${path}.weight`, [out, from]);
    keys.set(`${path}.bias`, [out]);
  };
  const norm = (path: string, width: number) => {
    keys.set(`${path}.weight`, [width]);
    keys.set(`${path}.bias`, [width]);
  };
  const layers = (tower: string, { width, inner, layers }: Tower) => {
    for (let i = 0; i < layers; i++) {
      const path = `${tower}.encoder.layers.${i}`;
      for (const name of ["k", "v", "q", "out"]) {
        linear(`${path}.self_attn.${name}_proj`, width, width);
      }
      norm(`${path}.layer_norm1`, width);
      linear(`${path}.mlp.fc1`, inner, width);
      linear(`${path}.mlp.fc2`, width, inner);
      norm(`${path}.layer_norm2`, width);
    }
  };
  const t = "text_model";
  keys.set(`${t}.embeddings.token_embedding.weight`, [
    text.vocabulary,
    text.width,
  ]);
  keys.set(`${t}.embeddings.position_embedding.weight`, [
    text.positions,
    text.width,
  ]);
  layers(t, text);
  norm(`${t}.final_layer_norm`, text.width);
  const v = "vision_model";
  const { width, patchSize: p, imageSize } = vision;
  keys.set(`${v}.embeddings.class_embedding`, [width]);
  keys.set(`${v}.embeddings.patch_embedding.weight`, [width, 3, p, p]);
  keys.set(`${v}.embeddings.position_embedding.weight`, [
    (imageSize / p) ** 2 + 1,
    width,
  ]);
  norm(`${v}.pre_layrnorm`, width);
  layers(v, vision);
  norm(`${v}.post_layernorm`, width);
  keys.set("visual_projection.weight", [projection, width]);
  keys.set("text_projection.weight", [projection, text.width]);
  return keys;
}

/** A published file with random weights; the positions are counted as older versions of transformers wrote them. */
function checkpoint(pair: Published): Map<string, Tensor> {
  const random = new TorchGenerator(23);
  const tensors = new Map<string, Tensor>();
  for (const [key, shape] of publishedKeys(pair)) {
    const { data } = random.randn(shape);
    const isNorm = /norm\d?\.weight$/.test(key);
    const values = data.map((x) => isNorm ? 1 + 0.1 * x : 0.2 * x);
    tensors.set(key, float32(shape, values));
  }
  const counted = (length: number) =>
    int64([1, length], Array.from({ length }, (_, i) => i));
  const { text, vision } = pair;
  tensors.set("text_model.embeddings.position_ids", counted(text.positions));
  tensors.set(
    "vision_model.embeddings.position_ids",
    counted((vision.imageSize / vision.patchSize) ** 2 + 1),
  );
  return tensors;
}

// The towers again, in float64 and without a graph: tokens are rows of numbers.

type Rows = number[][];
type Weights = ReadonlyMap<string, Tensor>;

const values = (weights: Weights, key: string) =>
  weights.get(key)!.data as Float32Array;

function linear(weights: Weights, path: string, rows: Rows): Rows {
  const weight = values(weights, `${path}.weight`);
  const bias = weights.has(`${path}.bias`)
    ? values(weights, `${path}.bias`)
    : null;
  const width = rows[0].length;
  const out = weight.length / width;
  return rows.map((row) =>
    Array.from({ length: out }, (_, o) =>
      row.reduce(
        (sum, x, i) => sum + x * weight[o * width + i],
        bias ? bias[o] : 0,
      ))
  );
}

function normed(weights: Weights, path: string, rows: Rows): Rows {
  const [scale, shift] = ["weight", "bias"].map((n) =>
    values(weights, `${path}.${n}`)
  );
  return rows.map((row) => {
    const mean = row.reduce((a, b) => a + b) / row.length;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) /
      row.length;
    return row.map((x, i) =>
      (x - mean) / Math.sqrt(variance + 1e-5) * scale[i] + shift[i]
    );
  });
}

const added = (a: Rows, b: Rows): Rows =>
  a.map((row, i) => row.map((x, j) => x + b[i][j]));

/** erf by its Taylor series, exact enough for arguments below 5. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

const activations = {
  gelu: (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  quick_gelu: (x: number) => x / (1 + Math.exp(-1.702 * x)),
};

function attended(
  weights: Weights,
  path: string,
  rows: Rows,
  { heads, causal }: { heads: number; causal: boolean },
): Rows {
  const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) =>
    linear(weights, `${path}.${name}`, rows)
  );
  const size = q[0].length / heads;
  const mixed = rows.map((_, i) =>
    Array.from({ length: heads }, (_, head) => {
      const part = (row: number[]) => row.slice(head * size, (head + 1) * size);
      const seen = rows.map((_, j) => j).filter((j) => !causal || j <= i);
      const scores = seen.map((j) =>
        Math.exp(
          part(q[i]).reduce((sum, x, d) => sum + x * part(k[j])[d], 0) /
            Math.sqrt(size),
        )
      );
      const total = scores.reduce((a, b) => a + b);
      return Array.from({ length: size }, (_, d) =>
        seen.reduce((sum, j, n) =>
          sum + scores[n] / total * part(v[j])[d], 0));
    }).flat()
  );
  return linear(weights, `${path}.out_proj`, mixed);
}

function encoded(
  weights: Weights,
  tower: string,
  embeddings: Rows,
  { layers, heads, activation, causal }: {
    layers: number;
    heads: number;
    activation: Published["activation"];
    causal: boolean;
  },
): Rows {
  let x = embeddings;
  for (let i = 0; i < layers; i++) {
    const path = `${tower}.encoder.layers.${i}`;
    const first = normed(weights, `${path}.layer_norm1`, x);
    x = added(
      x,
      attended(weights, `${path}.self_attn`, first, { heads, causal }),
    );
    const second = normed(weights, `${path}.layer_norm2`, x);
    const up = linear(weights, `${path}.mlp.fc1`, second)
      .map((row) => row.map(activations[activation]));
    x = added(x, linear(weights, `${path}.mlp.fc2`, up));
  }
  return x;
}

const tableRow = (
  weights: Weights,
  key: string,
  row: number,
  width: number,
) => [...values(weights, key).slice(row * width, (row + 1) * width)];

function textFeature(
  weights: Weights,
  { text, activation }: Published,
  ids: number[],
): number[] {
  const { width, layers, heads } = text;
  const at = "text_model.embeddings";
  const embeddings = ids.map((id, i) => {
    const place = tableRow(
      weights,
      `${at}.position_embedding.weight`,
      i,
      width,
    );
    return tableRow(weights, `${at}.token_embedding.weight`, id, width)
      .map((x, j) => x + place[j]);
  });
  const options = { layers, heads, activation, causal: true };
  const last = encoded(weights, "text_model", embeddings, options);
  const end = ids.indexOf(Math.max(...ids));
  const pooled = normed(weights, "text_model.final_layer_norm", [last[end]]);
  return linear(weights, "text_projection", pooled)[0];
}

function pictureFeature(
  weights: Weights,
  { vision, activation }: Published,
  pixels: Float32Array,
): number[] {
  const { width, layers, heads, imageSize: side, patchSize: p } = vision;
  const at = "vision_model.embeddings";
  const kernel = values(weights, `${at}.patch_embedding.weight`);
  const across = side / p;
  const patches = Array.from({ length: across ** 2 }, (_, patch) => {
    const [top, left] = [Math.floor(patch / across) * p, patch % across * p];
    return Array.from({ length: width }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < 3 * p * p; i++) {
        const [c, y, x] = [Math.floor(i / p / p), Math.floor(i / p) % p, i % p];
        sum += kernel[o * 3 * p * p + i] *
          pixels[(c * side + top + y) * side + left + x];
      }
      return sum;
    });
  });
  const own = [...values(weights, `${at}.class_embedding`)];
  const tokens = [own, ...patches].map((row, i) => {
    const place = tableRow(
      weights,
      `${at}.position_embedding.weight`,
      i,
      width,
    );
    return row.map((x, j) => x + place[j]);
  });
  const embeddings = normed(weights, "vision_model.pre_layrnorm", tokens);
  const options = { layers, heads, activation, causal: false };
  const last = encoded(weights, "vision_model", embeddings, options);
  const pooled = normed(weights, "vision_model.post_layernorm", [last[0]]);
  return linear(weights, "visual_projection", pooled)[0];
}

/** All of `found` within 1e-4 of the largest expected. */
function assertClose(found: Tensor, expected: number[]): void {
  const largest = Math.max(...expected.map(Math.abs));
  assert(largest > 0.1, `${largest}`);
  assertEquals(found.data.length, expected.length);
  expected.forEach((value, i) =>
    assertAlmostEquals(Number(found.data[i]), value, 1e-4 * largest)
  );
}

async function writePair(
  folder: string,
  pair: Published,
  tensors: Map<string, Tensor>,
) {
  await Deno.writeTextFile(
    `${folder}/config.json`,
    JSON.stringify(configJson(pair)),
  );
  await writeSafetensors(`${folder}/model.safetensors`, tensors);
}

const pairs = [
  ["ViT-g-14", vitG, 1366.68],
  ["ViT-L/14", vitL, 427.62],
] as const;

for (const [name, pair, millions] of pairs) {
  Deno.test(`${name} asks for exactly the keys and shapes of its published file`, () => {
    const json = configJson(pair);
    const asked = [textHalf, visionHalf].flatMap((half) => {
      const config = half.parse(json, "config.json") as never;
      return [...half.parameters(config)];
    });
    const published = publishedKeys(pair);
    const count = [...published.values()].reduce((n, s) => n + sizeOf(s), 0);
    assertEquals((count / 1e6).toFixed(2), `${millions}`);
    published.delete("logit_scale");
    assertEquals(asked.length, published.size);
    assertEquals(new Map(asked), published);
  });

  Deno.test(`${name} at reduced width computes what it is defined to, from a file in its published layout`, () =>
    inTemporaryFolder(async (folder) => {
      const small = reduced(pair);
      const weights = checkpoint(small);
      await writePair(folder, small, weights);
      const { text, vision } = await loadClipPair(folder);
      const outputs = ["embeds"];
      const ids = [48, 5, 7, 49, 0, 0];
      const textGraph = clipTextGraph(text.config, text.weights, {
        batch: 1,
        tokens: ids.length,
        outputs,
      });
      await using texts = await openSession(textGraph);
      const words = await texts.run({ input_ids: int64([1, ids.length], ids) });
      assertClose(words.embeds, textFeature(weights, small, ids));
      const visionGraph = clipVisionGraph(vision.config, vision.weights, {
        batch: 1,
        outputs,
      });
      await using pictures = await openSession(visionGraph);
      const pixel_values = new TorchGenerator(8).randn([1, 3, 28, 28]);
      const seen = await pictures.run({ pixel_values });
      assertClose(
        seen.embeds,
        pictureFeature(weights, small, pixel_values.data),
      );
    }));
}

/** A pair's file as open_clip writes it. */
function openClipFile(
  weights: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const file = new Map<string, Tensor>();
  const names: [RegExp, string][] = [
    [/^vision_model\.embeddings\.patch_embedding/, "visual.conv1"],
    [/^vision_model\.embeddings\.class_embedding/, "visual.class_embedding"],
    [/^vision_model\.embeddings\.position.*/, "visual.positional_embedding"],
    [/^vision_model\.pre_layrnorm/, "visual.ln_pre"],
    [/^vision_model\.post_layernorm/, "visual.ln_post"],
    [/^vision_model\.encoder\.layers/, "visual.transformer.resblocks"],
    [/^text_model\.embeddings\.token_embedding/, "token_embedding"],
    [/^text_model\.embeddings\.position.*/, "positional_embedding"],
    [/^text_model\.final_layer_norm/, "ln_final"],
    [/^text_model\.encoder\.layers/, "transformer.resblocks"],
    [/self_attn\.out_proj/, "attn.out_proj"],
    [/layer_norm(\d)/, "ln_$1"],
    [/mlp\.fc1/, "mlp.c_fc"],
    [/mlp\.fc2/, "mlp.c_proj"],
  ];
  const other = (key: string) =>
    names.reduce((name, [from, to]) => name.replace(from, to), key);
  for (const [key, tensor] of weights) {
    const { shape, data } = tensor as Tensor<"float32">;
    if (key.endsWith("position_ids") || /\.[kv]_proj\./.test(key)) continue;
    if (/\.q_proj\./.test(key)) {
      const parts = ["q", "k", "v"].map((name) =>
        values(weights, key.replace("q_proj", `${name}_proj`))
      );
      const joined = parts.flatMap((part) => [...part]);
      file.set(
        other(key).replace(/self_attn\.q_proj\./, "attn.in_proj_"),
        float32([3 * shape[0], ...shape.slice(1)], joined),
      );
    } else if (/_projection\.weight$/.test(key)) {
      const [rows, columns] = shape;
      const name = key === "text_projection.weight"
        ? "text_projection"
        : "visual.proj";
      file.set(
        name,
        float32(
          [columns, rows],
          Array.from(
            data,
            (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
          ),
        ),
      );
    } else file.set(other(key), tensor);
  }
  return file;
}

Deno.test("a pair in open_clip's layout has the same weights, from either kind of file", () =>
  inTemporaryFolder(async (folder) => {
    const small = reduced(vitG);
    const weights = checkpoint(small);
    await writePair(folder, small, weights);
    const expected = await loadClipPair(folder);
    const other = `${folder}/open`;
    await Deno.mkdir(other);
    const { text, vision } = small;
    const model_cfg = {
      embed_dim: small.projection,
      vision_cfg: {
        image_size: vision.imageSize,
        layers: vision.layers,
        width: vision.width,
        head_width: 22,
        mlp_ratio: 4.3637, // 44 times this is just more than 192
        patch_size: vision.patchSize,
      },
      text_cfg: {
        context_length: text.positions,
        vocab_size: text.vocabulary,
        width: text.width,
        heads: text.heads,
        layers: text.layers,
      },
    };
    const write = (cfg: Record<string, unknown>) =>
      Deno.writeTextFile(
        `${other}/open_clip_config.json`,
        JSON.stringify({ model_cfg: cfg, preprocess_cfg: {} }),
      );
    await write(model_cfg);
    const file = openClipFile(weights);
    const bin = `${other}/open_clip_pytorch_model.bin`;
    await Deno.writeFile(bin, craftStateDict(file));
    const compare = async () => {
      const found = await loadClipPair(other);
      for (const half of ["text", "vision"] as const) {
        assertEquals(found[half].config, expected[half].config);
      }
      const ids = [48, 5, 7, 49, 0, 0];
      const graph = clipTextGraph(found.text.config, found.text.weights, {
        batch: 1,
        tokens: ids.length,
        outputs: ["embeds"],
      });
      await using texts = await openSession(graph);
      const words = await texts.run({ input_ids: int64([1, ids.length], ids) });
      assertClose(words.embeds, textFeature(weights, small, ids));
      const outputs = ["embeds"];
      await using pictures = await openSession(
        clipVisionGraph(found.vision.config, found.vision.weights, {
          batch: 1,
          outputs,
        }),
      );
      const pixel_values = new TorchGenerator(8).randn([1, 3, 28, 28]);
      const seen = await pictures.run({ pixel_values });
      const feature = pictureFeature(weights, small, pixel_values.data);
      assertClose(seen.embeds, feature);
    };
    await compare();
    await Deno.remove(bin);
    await assertRejects(
      () => loadClipPair(other),
      Deno.errors.NotFound,
      "expected one of open_clip_model.safetensors, open_clip_pytorch_model.bin",
    );
    await writeSafetensors(`${other}/open_clip_model.safetensors`, file);
    await compare();
    file.set("visual.attnpool", float32([1], [0]));
    await writeSafetensors(`${other}/open_clip_model.safetensors`, file);
    await assertRejects(
      () => loadClipPair(other),
      RangeError,
      `found tensor "visual.attnpool"`,
    );
    await write({ ...model_cfg, custom_text: true });
    await assertRejects(
      () => loadClipPair(other),
      TypeError,
      `key "custom_text" is true, expected none of that name`,
    );
  }));

Deno.test("open_clip's configuration of ViT-g-14 is that of transformers", () => {
  const json = clipModelJson({
    model_cfg: {
      embed_dim: 1024,
      vision_cfg: {
        image_size: 224,
        layers: 40,
        width: 1408,
        head_width: 88,
        mlp_ratio: 4.3637,
        patch_size: 14,
      },
      text_cfg: {
        context_length: 77,
        vocab_size: 49408,
        width: 1024,
        heads: 16,
        layers: 24,
      },
    },
  }, "test");
  for (const half of [textHalf, visionHalf]) {
    assertEquals(
      half.parse(json, "test") as unknown,
      half.parse(configJson(vitG), "test"),
    );
  }
});

Deno.test("a pair's file with a weight too many or too few is refused by name", () =>
  inTemporaryFolder(async (folder) => {
    const small = reduced(vitG);
    const weights = checkpoint(small);
    const refused = (message: string) =>
      assertRejects(() => loadClipPair(folder), RangeError, message);
    await writePair(
      folder,
      small,
      new Map([...weights, ["logit_bias", float32([], [0])]]),
    );
    await refused(`found tensor "logit_bias" F32[]`);
    weights.delete("visual_projection.weight");
    await writePair(folder, small, weights);
    await refused(
      `"visual_projection.weight" is missing, expected float32[20,44]`,
    );
  }));
