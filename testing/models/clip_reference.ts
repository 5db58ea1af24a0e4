/** A second implementation of CLIP's towers, in float64 and without a graph: tokens are rows of numbers. */
import type { Tensor } from "@dip-go/core/tensor";
import type { PublishedPair } from "./clip_pairs.ts";

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
    activation: PublishedPair["activation"];
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

/** The feature of a text, given as token ids. */
export function textFeature(
  weights: Weights,
  { text, activation }: PublishedPair,
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

/** The feature of a picture `[3, H, W]`. */
export function pictureFeature(
  weights: Weights,
  { vision, activation }: PublishedPair,
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

/** Whether all of `found` are within 1e-4 of the largest expected value, which must be above 0.1. */
export function isClose(found: Tensor, expected: readonly number[]): boolean {
  const largest = Math.max(...expected.map(Math.abs));
  return largest > 0.1 && found.data.length === expected.length &&
    expected.every((value, i) =>
      Math.abs(Number(found.data[i]) - value) <= 1e-4 * largest
    );
}
