import { assert, assertEquals } from "@std/assert";
import { askedShapes, noWeights, type WeightSource } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, sizeOf } from "@dip-go/core/tensor";
import { inceptionGraph, inceptionParameters } from "./inception.ts";

// Inception again, in float64 and without a graph: maps are lists of planes,
// and modules come from a table in the words of the paper.

interface Maps {
  readonly size: number;
  readonly planes: readonly Float64Array[];
}

type Weights = (key: string, shape: readonly number[]) => Float32Array;

/** Every position of a window that lies within the map. */
function* within(
  size: number,
  [top, left]: readonly [number, number],
  [height, width]: readonly [number, number],
): Generator<[at: number, y: number, x: number]> {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, column] = [top + y, left + x];
      const isInside = row >= 0 && column >= 0 && row < size && column < size;
      if (isInside) yield [row * size + column, y, x];
    }
  }
}

function pooled(
  { size, planes }: Maps,
  { stride, pad, of }: {
    stride: number;
    pad: number;
    of: (values: number[]) => number;
  },
): Maps {
  const out = Math.floor((size + 2 * pad - 3) / stride) + 1;
  const pool = (plane: Float64Array) =>
    Float64Array.from({ length: out * out }, (_, i) => {
      const corner = [Math.floor(i / out), i % out]
        .map((c) => c * stride - pad) as [number, number];
      return of([...within(size, corner, [3, 3])].map(([at]) => plane[at]));
    });
  return { size: out, planes: planes.map(pool) };
}

const mean = (values: number[]) =>
  values.reduce((a, b) => a + b, 0) / values.length;
const maximum = (values: number[]) => Math.max(...values);

/** Convolves as described by "name channels kernel", with "/2" to halve the map or "v" for no padding. */
function convolved(
  { size, planes }: Maps,
  words: string,
  { block, narrow, weights }: {
    block: string;
    narrow: number;
    weights: Weights;
  },
): Maps {
  const [name, channels, kernel, how = ""] = words.split(" ");
  const [height, width] = kernel.split("x").map(Number);
  const path = block + name;
  const count = Math.ceil(Number(channels) / narrow);
  const shape = [count, planes.length, height, width];
  const filter = weights(`${path}.conv.weight`, shape);
  const [gamma, beta, average, variance] = [
    "weight",
    "bias",
    "running_mean",
    "running_var",
  ].map((key) => weights(`${path}.bn.${key}`, [count]));
  const stride = how === "/2" ? 2 : 1;
  const pads = how === "" ? [(height - 1) / 2, (width - 1) / 2] : [0, 0];
  const out = how === "" ? size : Math.floor((size - height) / stride) + 1;
  const all = Array.from({ length: count }, (_, o) => {
    const sums = new Float64Array(out * out);
    for (let i = 0; i < sums.length; i++) {
      const corner: [number, number] = [
        Math.floor(i / out) * stride - pads[0],
        (i % out) * stride - pads[1],
      ];
      for (const [at, y, x] of within(size, corner, [height, width])) {
        planes.forEach((plane, c) => {
          const tap = ((o * planes.length + c) * height + y) * width + x;
          sums[i] += filter[tap] * plane[at];
        });
      }
    }
    const spread = Math.sqrt(variance[o] + 0.001);
    return sums.map((x) =>
      Math.max(0, gamma[o] * (x - average[o]) / spread + beta[o])
    );
  });
  return { size: out, planes: all };
}

/** The release's modules: parallel branches, each a list of layers and pools. */
const a = (pool: number) => [
  ["branch1x1 64 1x1"],
  ["branch5x5_1 48 1x1", "branch5x5_2 64 5x5"],
  ["branch3x3dbl_1 64 1x1", "branch3x3dbl_2 96 3x3", "branch3x3dbl_3 96 3x3"],
  ["avg", `branch_pool ${pool} 1x1`],
];
const c = (n: number) => [
  ["branch1x1 192 1x1"],
  [`branch7x7_1 ${n} 1x1`, `branch7x7_2 ${n} 1x7`, "branch7x7_3 192 7x1"],
  [
    `branch7x7dbl_1 ${n} 1x1`,
    `branch7x7dbl_2 ${n} 7x1`,
    `branch7x7dbl_3 ${n} 1x7`,
    `branch7x7dbl_4 ${n} 7x1`,
    "branch7x7dbl_5 192 1x7",
  ],
  ["avg", "branch_pool 192 1x1"],
];
const e = (pool: string) => [
  ["branch1x1 320 1x1"],
  ["branch3x3_1 384 1x1", "branch3x3_2a 384 1x3"],
  ["branch3x3_1 384 1x1", "branch3x3_2b 384 3x1"],
  [
    "branch3x3dbl_1 448 1x1",
    "branch3x3dbl_2 384 3x3",
    "branch3x3dbl_3a 384 1x3",
  ],
  [
    "branch3x3dbl_1 448 1x1",
    "branch3x3dbl_2 384 3x3",
    "branch3x3dbl_3b 384 3x1",
  ],
  [pool, "branch_pool 192 1x1"],
];
const modules: [string, string[][]][] = [
  ["", [[
    "Conv2d_1a_3x3 32 3x3 /2",
    "Conv2d_2a_3x3 32 3x3 v",
    "Conv2d_2b_3x3 64 3x3",
    "max2",
    "Conv2d_3b_1x1 80 1x1",
    "Conv2d_4a_3x3 192 3x3 v",
    "max2",
  ]]],
  ["Mixed_5b.", a(32)],
  ["Mixed_5c.", a(64)],
  ["Mixed_5d.", a(64)],
  ["Mixed_6a.", [
    ["branch3x3 384 3x3 /2"],
    [
      "branch3x3dbl_1 64 1x1",
      "branch3x3dbl_2 96 3x3",
      "branch3x3dbl_3 96 3x3 /2",
    ],
    ["max2"],
  ]],
  ["Mixed_6b.", c(128)],
  ["Mixed_6c.", c(160)],
  ["Mixed_6d.", c(160)],
  ["Mixed_6e.", c(192)],
  ["Mixed_7a.", [
    ["branch3x3_1 192 1x1", "branch3x3_2 320 3x3 /2"],
    [
      "branch7x7x3_1 192 1x1",
      "branch7x7x3_2 192 1x7",
      "branch7x7x3_3 192 7x1",
      "branch7x7x3_4 192 3x3 /2",
    ],
    ["max2"],
  ]],
  ["Mixed_7b.", e("avg")],
  ["Mixed_7c.", e("max")],
];

function reference(
  picture: Maps,
  { narrow, weights }: { narrow: number; weights: Weights },
): { pooled: number[]; spatial: number[] } {
  let x = picture;
  let spatial: number[] = [];
  for (const [block, branches] of modules) {
    const step = (maps: Maps, words: string): Maps => {
      switch (words) {
        case "avg":
          return pooled(maps, { stride: 1, pad: 1, of: mean });
        case "max":
          return pooled(maps, { stride: 1, pad: 1, of: maximum });
        case "max2":
          return pooled(maps, { stride: 2, pad: 0, of: maximum });
        default:
          return convolved(maps, words, { block, narrow, weights });
      }
    };
    const from = x;
    const made = branches.map((words) => words.reduce(step, from));
    if (block === "Mixed_6d.") {
      const planes = made[0].planes.slice(0, 7);
      spatial = [...planes[0].keys()]
        .flatMap((at) => planes.map((plane) => plane[at]));
    }
    x = { size: made[0].size, planes: made.flatMap(({ planes }) => planes) };
  }
  return { pooled: x.planes.map((plane) => mean([...plane])), spatial };
}

/** Random weights by key: kernels that keep the signal's size, norms about the identity. */
function randomWeights(): { weights: Weights; source: WeightSource } {
  const random = new TorchGenerator(11);
  const known = new Map<string, Float32Array>();
  const draw = (key: string, shape: readonly number[]) => {
    const { data } = random.randn(shape);
    if (key.endsWith("running_var")) return data.map((x) => 1 + 0.3 * x * x);
    if (key.endsWith("bn.weight")) return data.map((x) => 1.2 + 0.1 * x);
    if (!key.endsWith("conv.weight")) return data.map((x) => 0.1 * x);
    const scale = Math.sqrt(2 / sizeOf(shape.slice(1)));
    return data.map((x) => scale * x);
  };
  const weights: Weights = (key, shape) => {
    const data = known.get(key) ?? draw(key, shape);
    known.set(key, data);
    return data;
  };
  const source: WeightSource = (key, shape) => ({
    data: float32(shape, weights(key, shape)),
  });
  return { weights, source };
}

Deno.test("Inception at a sixteenth of its width matches the reference in float64", async () => {
  const narrow = 16;
  const { weights, source } = randomWeights();
  const size = 299;
  const pictures = new TorchGenerator(2).randn([1, 3, size, size]);
  const planes = [0, 1, 2].map((i) =>
    Float64Array.from(
      pictures.data.subarray(i * size * size, (i + 1) * size * size),
    )
  );
  await using session = await openSession(
    inceptionGraph(source, { narrow }),
  );
  const found = await session.run({ pictures });
  const expected = reference({ size, planes }, { narrow, weights });
  for (const name of ["pooled", "spatial"] as const) {
    const values = found[name].data as Float32Array;
    assertEquals(values.length, expected[name].length);
    const largest = Math.max(...expected[name]);
    assert(largest > 0.1);
    values.forEach((value, i) =>
      assert(Math.abs(value - expected[name][i]) <= 1e-4 * largest)
    );
  }
});

Deno.test("Inception has the published number of weights, 2048 and 2023 features", () => {
  const shapes = askedShapes((weights) => inceptionGraph(weights));
  const count = (kind: RegExp) =>
    [...shapes].filter(([key]) => kind.test(key))
      .reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  assertEquals(count(/conv\.weight$|bn\.(weight|bias)$/), 21_785_568);
  assertEquals(shapes.get("Mixed_7c.branch3x3dbl_1.conv.weight"), [
    448,
    2048,
    1,
    1,
  ]);
  const { outputs } = inceptionGraph(noWeights, { batch: 2 });
  assertEquals(outputs.map(({ shape }) => shape), [[2, 2048], [2, 2023]]);
});

Deno.test("Inception asks for exactly the keys and shapes of pytorch-fid's checkpoint, except its last layer's", () => {
  const expected = new Map<string, number[]>();
  let width = 3;
  for (const [block, branches] of modules) {
    const ends = branches.map((layers) =>
      layers.reduce((from, words) => {
        const [name, channels, kernel] = words.split(" ");
        if (!kernel) return from; // a pool
        const out = Number(channels);
        const path = block + name;
        const sides = kernel.split("x").map(Number);
        expected.set(`${path}.conv.weight`, [out, from, ...sides]);
        for (const key of ["weight", "bias", "running_mean", "running_var"]) {
          expected.set(`${path}.bn.${key}`, [out]);
        }
        return out;
      }, width)
    );
    width = ends.reduce((a, b) => a + b);
  }
  assertEquals(width, 2048);
  assertEquals(expected.size, 94 * 5);
  assertEquals(new Map(inceptionParameters()), expected);
});
