import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { TorchGenerator } from "../../tensor/random.ts";
import { halfPrecision } from "../../runtime/half_precision.ts";
import { openSession } from "../../runtime/session.ts";
import {
  float32,
  int64,
  sizeOf,
  type Tensor,
  zeros,
} from "../../tensor/tensor.ts";
import { waveWeights } from "@dip-go/testing/models";
import { writeSafetensors } from "../../weights/safetensors.ts";
import { t5EncoderGraph } from "./t5.ts";
import { parseT5EncoderConfig } from "./t5_config.ts";
import { loadT5Encoder, t5EncoderKind } from "./t5_load.ts";

/** A tiny encoder, whose heads are together wider than the model, and whose last bucket begins within the texts. */
const tiny = {
  model_type: "t5",
  feed_forward_proj: "gated-gelu",
  dense_act_fn: "gelu_new",
  vocab_size: 40,
  d_model: 12,
  d_kv: 8,
  d_ff: 20,
  num_layers: 2,
  num_heads: 3,
  layer_norm_epsilon: 1e-2,
  relative_attention_num_buckets: 8,
  relative_attention_max_distance: 8,
};

/** T5-XXL, PixArt's text encoder. */
const xxl = {
  ...tiny,
  vocab_size: 32128,
  d_model: 4096,
  d_kv: 64,
  d_ff: 10240,
  num_layers: 24,
  num_heads: 64,
  layer_norm_epsilon: 1e-6,
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
};

const config = parseT5EncoderConfig(tiny, "test");

/** Weights with which both attention and the norms have an effect. */
function randomTensors(): Map<string, Tensor<"float32">> {
  const random = new TorchGenerator(0);
  return new Map([...t5EncoderKind.parameters(config)].map(([key, shape]) => {
    const { data } = random.randn(shape);
    const isNorm = key.endsWith("norm.weight");
    const isTable = /shared|relative_attention_bias/.test(key);
    const spread = isNorm ? 0.1 : isTable ? 1 : 0.9 / Math.sqrt(shape[1]);
    return [
      key,
      float32(shape, data.map((x) => (isNorm ? 1 : 0) + spread * x)),
    ];
  }));
}

const tensors = randomTensors();
const texts = [
  [7, 12, 3, 39, 0, 7, 22, 5, 18, 31, 2, 1],
  [30, 4, 4, 11, 25, 9, 1, 0, 0, 0, 0, 0],
];
const masks = texts.map((ids) =>
  ids.map((_, i) => i <= ids.lastIndexOf(1) ? 1 : 0)
);

// A reference of T5, in float64 and without a graph.

type Vector = readonly number[];

const dot = (a: Vector, b: Vector) =>
  a.reduce((sum, v, i) => sum + v * b[i], 0);
const plus = (a: Vector, b: Vector) => a.map((v, i) => v + b[i]);

function rows(key: string): Vector[] {
  const { shape: [count, width], data } = tensors.get(key)!;
  return Array.from(
    { length: count },
    (_, i) => Array.from(data.subarray(i * width, (i + 1) * width)),
  );
}

const project = (x: readonly Vector[], key: string): Vector[] => {
  const weight = rows(`${key}.weight`);
  return x.map((token) => weight.map((row) => dot(token, row)));
};

const norm = (x: readonly Vector[], key: string): Vector[] => {
  const { data } = tensors.get(`${key}.weight`)!;
  return x.map((token) => {
    const power = dot(token, token) / token.length;
    return token.map((v, i) => v * data[i] / Math.sqrt(power + 1e-2));
  });
};

const gelu = (x: number) =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** The bucket among 8 up to distance 8: a half's buckets begin at 0, 1, 2 and 2·√(8/2) = 4. */
function bucket(query: number, key: number): number {
  const distance = Math.abs(key - query);
  const near = [1, 2, 4].filter((start) => distance >= start).length;
  return near + (key > query ? 4 : 0);
}

function softmax(scores: Vector): Vector {
  const top = Math.max(...scores);
  const powers = scores.map((s) => Math.exp(s - top));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / total);
}

function attend(x: readonly Vector[], path: string, mask: Vector): Vector[] {
  const bias = rows(
    "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
  );
  const [q, k, v] = ["q", "k", "v"].map((name) =>
    project(x, `${path}.${name}`)
  );
  const head = (token: Vector, h: number) => token.slice(h * 8, h * 8 + 8);
  const mixed = x.map((_, i) =>
    [0, 1, 2].flatMap((h) => {
      const scores = x.map((_, j) =>
        mask[j] === 0
          ? -Infinity
          : dot(head(q[i], h), head(k[j], h)) + bias[bucket(i, j)][h]
      );
      const parts = softmax(scores);
      return head(q[i], h).map((_, d) =>
        dot(parts, v.map((token) => token[h * 8 + d]))
      );
    })
  );
  return project(mixed, `${path}.o`);
}

function reference(ids: Vector, mask: Vector): Vector[] {
  const table = rows("shared.weight");
  let x = ids.map((id) => table[id]);
  for (const i of [0, 1]) {
    const path = `encoder.block.${i}.layer`;
    const seen = norm(x, `${path}.0.layer_norm`);
    const looked = attend(seen, `${path}.0.SelfAttention`, mask);
    x = x.map((token, t) => plus(token, looked[t]));
    const read = norm(x, `${path}.1.layer_norm`);
    const [gate, value] = [0, 1].map((n) =>
      project(read, `${path}.1.DenseReluDense.wi_${n}`)
    );
    const gated = gate.map((row, t) =>
      row.map((v, d) => gelu(v) * value[t][d])
    );
    const fed = project(gated, `${path}.1.DenseReluDense.wo`);
    x = x.map((token, t) => plus(token, fed[t]));
  }
  return norm(x, "encoder.final_layer_norm");
}

/** Calls `use` with a folder of the tiny encoder; `changes` replace tensors, or remove them if null. */
async function inFolder(
  changes: Iterable<readonly [string, Tensor | null]>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(tiny));
    const changed = new Map<string, Tensor | null>([...tensors, ...changes]);
    const kept = [...changed].flatMap(([key, t]): [string, Tensor][] =>
      t ? [[key, t]] : []
    );
    await writeSafetensors(`${folder}/model.safetensors`, new Map(kept));
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the encoder of a folder computes the same as a reference of T5", async () => {
  const again = "encoder.embed_tokens.weight"; // a second name of shared.weight
  await inFolder([[again, tensors.get("shared.weight")!]], async (folder) => {
    const { config, weights } = await loadT5Encoder(folder);
    const graph = t5EncoderGraph(config, weights, { batch: 2, tokens: 12 });
    await using session = await openSession(graph);
    const { last_hidden_state: { data, shape } } = await session.run({
      input_ids: int64([2, 12], texts.flat()),
      attention_mask: int64([2, 12], masks.flat()),
    });
    assertEquals(shape, [2, 12, 12]);
    const expected = texts.flatMap((ids, b) => reference(ids, masks[b]));
    const found = data as Float32Array;
    const errors = expected.flat().map((v, i) => Math.abs(v - found[i]));
    const largest = Math.max(...expected.flat().map(Math.abs));
    const worst = Math.max(...errors);
    assert(worst < 1e-5 * largest, `differs by ${worst} of ${largest}`);
  });
});

Deno.test("a file that holds the embedding only under the encoder's name loads", async () => {
  const table = tensors.get("shared.weight")!;
  const changes = [
    ["shared.weight", null],
    ["encoder.embed_tokens.weight", table],
  ] as const;
  await inFolder(changes, async (folder) => {
    const { weights } = await loadT5Encoder(folder);
    assertEquals(!!weights("shared.weight", table.shape).file, true);
  });
});

Deno.test("weights that are missing or of another shape are refused by name", async () => {
  const wo = "encoder.block.1.layer.1.DenseReluDense.wo.weight";
  const cases: [string, Tensor | null, string][] = [
    [wo, null, `tensor "${wo}" is missing, expected float32[12,20]`],
    [wo, zeros([20, 12]), `tensor "${wo}" is [20,12], expected [12,20]`],
  ];
  for (const [key, value, message] of cases) {
    await inFolder([[key, value]], async (folder) => {
      await assertRejects(() => loadT5Encoder(folder), RangeError, message);
    });
  }
});

Deno.test("T5-XXL, which conditions PixArt, has 4,762,310,656 parameters", () => {
  const config = parseT5EncoderConfig(xxl, "test");
  const shapes = [...t5EncoderKind.parameters(config).values()];
  assertEquals(shapes.reduce((n, shape) => n + sizeOf(shape), 0), 4762310656);
});

Deno.test("a config without relative_attention_max_distance means 128", () => {
  const { relative_attention_max_distance: _, ...older } = xxl;
  assertEquals(
    parseT5EncoderConfig(older, "test"),
    parseT5EncoderConfig(xxl, "test"),
  );
});

Deno.test("configs of other networks are refused by key", () => {
  const cases: [string, unknown, string][] = [
    ["model_type", "umt5", 'expected "t5"'],
    ["feed_forward_proj", "relu", 'expected "gated-gelu"'],
    ["dense_act_fn", "relu", 'expected nothing or "gelu_new"'],
    ["num_heads", 0, "expected a positive integer"],
    ["relative_attention_num_buckets", 3, "expected at least 4"],
    ["relative_attention_max_distance", 2, "expected more than 2"],
  ];
  for (const [key, value, expected] of cases) {
    const error = assertThrows(
      () => parseT5EncoderConfig({ ...tiny, [key]: value }, "a/config.json"),
      TypeError,
      `a/config.json: key "${key}" is ${JSON.stringify(value)}`,
    );
    assertStringIncludes(error.message, expected);
  }
});

Deno.test("in half precision T5's products beyond float16's range, and the stream that they are added to, are in float32", () => {
  const graph = t5EncoderGraph(config, waveWeights, { batch: 1, tokens: 5 });
  const { nodes, values } = halfPrecision(graph);
  const dtypes = (wanted: RegExp) =>
    new Set(
      nodes.filter(({ name }) => wanted.test(name))
        .map(({ outputs: [output] }) => values.get(output)!.dtype),
    );
  assertEquals(dtypes(/\.wo\/Gemm/), new Set(["float32"]));
  assertEquals(dtypes(/layer_norm\/Pow/), new Set(["float32"]));
  const makers = nodes.filter(({ name }) => name.includes("layer_norm/Pow"))
    .map(({ inputs: [x] }) => nodes.find(({ outputs }) => outputs[0] === x)!);
  // The first norm reads the embedding, the others read sums.
  assertEquals(makers.slice(1).map(({ op }) => op), Array(4).fill("Add"));
  assertEquals(dtypes(/\.(wi_0|wi_1|q|k|v|o)\/Gemm/), new Set(["float16"]));
});
