import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { noWeights } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, sizeOf, type Tensor, zeros } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import { craftStateDict, inTemporaryFolder } from "@dip-go/testing/files";
import {
  lpipsGraph,
  type LpipsNet,
  lpipsNets,
  lpipsParameters,
  smallestSide,
} from "./lpips.ts";
import { loadLpips } from "./open_lpips.ts";

// LPIPS again, in float64 and without a graph. The networks are torchvision's
// lists of modules, spelled out: "c <channels> <kernel> <stride> <padding>",
// "r" for ReLU, "p <kernel>" for a pool of stride 2; a place in the list is the
// number in a weight's name. `maps` are the places whose outputs are compared.
const modules: Record<LpipsNet, { list: string[]; maps: number[] }> = {
  alex: {
    list: [
      ...["c 64 11 4 2", "r", "p 3", "c 192 5 1 2", "r", "p 3"],
      ...["c 384 3 1 1", "r", "c 256 3 1 1", "r", "c 256 3 1 1", "r"],
    ],
    maps: [1, 4, 7, 9, 11],
  },
  vgg: {
    list: [[2, 64], [2, 128], [3, 256], [3, 512], [3, 512]]
      .flatMap(([count, width]) => [
        ...Array.from({ length: count }, () => [`c ${width} 3 1 1`, "r"])
          .flat(),
        "p 2",
      ]),
    maps: [3, 8, 15, 22, 29],
  },
};

interface Maps {
  height: number;
  width: number;
  planes: Float64Array[];
}

type Weights = ReadonlyMap<string, Tensor<"float32">>;

/** Computes a value for every window; `at` reads a plane at a place in the window, 0 in the padding. */
function windows(
  { height, width, planes }: Maps,
  { kernel, stride, padding }: {
    kernel: number;
    stride: number;
    padding: number;
  },
  value: (at: (plane: number, y: number, x: number) => number) => number,
): { height: number; width: number; plane: Float64Array } {
  const size = (side: number) =>
    Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const [rows, columns] = [size(height), size(width)];
  const plane = Float64Array.from({ length: rows * columns }, (_, i) => {
    const top = Math.floor(i / columns) * stride - padding;
    const left = (i % columns) * stride - padding;
    return value((p, y, x) => {
      const [row, column] = [top + y, left + x];
      const isInside = row >= 0 && column >= 0 && row < height &&
        column < width;
      return isInside ? planes[p][row * width + column] : 0;
    });
  });
  return { height: rows, width: columns, plane };
}

function convolved(
  x: Maps,
  index: number,
  words: number[],
  weights: Weights,
): Maps {
  const [, kernel, stride, padding] = words;
  const { data, shape } = weights.get(`features.${index}.weight`)!;
  const bias = weights.get(`features.${index}.bias`)!.data;
  const made = Array.from(
    { length: shape[0] },
    (_, o) =>
      windows(x, { kernel, stride, padding }, (at) => {
        let sum = bias[o];
        for (let c = 0; c < shape[1]; c++) {
          for (let k = 0; k < kernel * kernel; k++) {
            sum += data[(o * shape[1] + c) * kernel * kernel + k] *
              at(c, Math.floor(k / kernel), k % kernel);
          }
        }
        return sum;
      }),
  );
  return { ...made[0], planes: made.map(({ plane }) => plane) };
}

function pooled(x: Maps, kernel: number): Maps {
  const places = Array.from({ length: kernel * kernel }, (_, k) => k);
  const made = x.planes.map((_, p) =>
    windows(
      x,
      { kernel, stride: 2, padding: 0 },
      (at) =>
        Math.max(
          ...places.map((k) => at(p, Math.floor(k / kernel), k % kernel)),
        ),
    )
  );
  return { ...made[0], planes: made.map(({ plane }) => plane) };
}

function mapsOf(net: LpipsNet, picture: Maps, weights: Weights): Maps[] {
  const { list, maps } = modules[net];
  const all: Maps[] = [];
  list.forEach((module, index) => {
    const x = all.at(-1) ?? picture;
    const [kind, ...words] = module.split(" ");
    const numbers = words.map(Number);
    all.push(
      kind === "c"
        ? convolved(x, index, numbers, weights)
        : kind === "p"
        ? pooled(x, numbers[0])
        : { ...x, planes: x.planes.map((p) => p.map((v) => Math.max(0, v))) },
    );
  });
  return maps.map((index) => all[index]);
}

function reference(
  net: LpipsNet,
  pair: readonly Maps[],
  weights: Weights,
): number {
  const [first, second] = pair.map(({ planes, ...size }) =>
    mapsOf(net, {
      ...size,
      planes: planes.map((plane, c) =>
        plane.map((v) =>
          (v - [-0.03, -0.088, -0.188][c]) / [0.458, 0.448, 0.45][c]
        )
      ),
    }, weights)
  );
  return first.reduce((total, { planes: a }, i) => {
    const { planes: b } = second[i];
    const lin = weights.get(`lin${i}.model.1.weight`)!.data;
    const norm = (planes: Float64Array[], at: number) =>
      Math.sqrt(planes.reduce((sum, plane) => sum + plane[at] ** 2, 0)) + 1e-10;
    let sum = 0;
    for (let at = 0; at < a[0].length; at++) {
      const [own, other] = [norm(a, at), norm(b, at)];
      a.forEach((plane, c) =>
        sum += lin[c] * (plane[at] / own - b[c][at] / other) ** 2
      );
    }
    return total + sum / a[0].length;
  }, 0);
}

/** Random weights that keep a signal's size; the maps' weights are not negative, like the published ones. */
function randomWeights(net: LpipsNet, narrow: number) {
  const random = new TorchGenerator(17);
  const draw = (shapes: ReadonlyMap<string, readonly number[]>) =>
    new Map([...shapes].map(([key, shape]) => {
      const { data } = random.randn(shape);
      const scale = Math.sqrt(2 / sizeOf(shape.slice(1)));
      const own = key.startsWith("lin")
        ? (x: number) => Math.abs(x)
        : (x: number) => shape.length === 1 ? 0.1 * x : scale * x;
      return [key, float32(shape, data.map(own))];
    }));
  const { backbone, linear } = lpipsParameters({ net, narrow });
  return { backbone: draw(backbone), linear: draw(linear) };
}

for (const net of lpipsNets) {
  Deno.test(`LPIPS with ${net} at reduced width matches the reference in float64, from the two published files`, () =>
    inTemporaryFolder(async (folder) => {
      const narrow = 16;
      const { backbone, linear } = randomWeights(net, narrow);
      const paths = {
        backbone: `${folder}/network.pth`,
        linear: `${folder}/linear.safetensors`,
      };
      const classifier = ["classifier.6.bias", zeros([1000])] as const;
      await Deno.writeFile(
        paths.backbone,
        craftStateDict(new Map([...backbone, classifier])),
      );
      await writeSafetensors(paths.linear, linear);
      const source = loadLpips({ net, narrow }, paths);
      const size = { batch: 2, height: 34, width: 47 };
      const graph = lpipsGraph({ net, narrow }, source, size);
      await using session = await openSession(graph);
      const { height, width } = size;
      const shape = [2, 3, height, width];
      const random = new TorchGenerator(4);
      const x = random.randn(shape);
      const noise = random.randn(shape);
      const y = float32(shape, x.data.map((v, i) => v + noise.data[i] * 0.5));
      const { distances } = await session.run({ x, y });
      const weights = new Map([...backbone, ...linear]);
      const area = height * width;
      for (const b of [0, 1]) {
        const maps = ({ data }: Tensor<"float32">): Maps => ({
          height,
          width,
          planes: [0, 1, 2].map((c) =>
            Float64Array.from(
              data.subarray((3 * b + c) * area, (3 * b + c + 1) * area),
            )
          ),
        });
        const expected = reference(net, [maps(x), maps(y)], weights);
        assert(expected > 0.05, `${expected}`);
        assertAlmostEquals(
          Number(distances.data[b]),
          expected,
          1e-4 * expected,
        );
      }
      const same = await session.run({ x, y: x });
      assertEquals([...same.distances.data as Float32Array], [0, 0]);
    }));

  Deno.test(`LPIPS with ${net} has the keys and shapes of torchvision's network and of the release`, () => {
    const { backbone, linear } = lpipsParameters({ net, narrow: 1 });
    const expected: [string, number[]][] = [];
    const widths: number[] = [];
    let width = 3;
    modules[net].list.forEach((module, index) => {
      const [kind, channels, kernel] = module.split(" ");
      if (kind === "c") {
        const k = Number(kernel);
        const shape = [Number(channels), width, k, k];
        expected.push([`features.${index}.weight`, shape]);
        expected.push([`features.${index}.bias`, [Number(channels)]]);
        width = Number(channels);
      }
      if (modules[net].maps.includes(index)) widths.push(width);
    });
    assertEquals(backbone, new Map(expected));
    assertEquals(
      linear,
      new Map(widths.map((c, i) => [`lin${i}.model.1.weight`, [1, c, 1, 1]])),
    );
    // The numbers of weights in torchvision's networks before their classifiers.
    const published = { alex: 2_469_696, vgg: 14_714_688 }[net];
    const count = [...backbone.values()].reduce((n, s) => n + sizeOf(s), 0);
    assertEquals(count, published);
  });
}

Deno.test("LPIPS refuses pictures that vanish in its pools, and takes the smallest that do not", () => {
  const built = (net: LpipsNet, side: number) =>
    lpipsGraph({ net, narrow: 1 }, noWeights, {
      batch: 1,
      height: side,
      width: 64,
    });
  for (const [net, side] of [["alex", 31], ["vgg", 16]] as const) {
    assertEquals(smallestSide(net), side);
    assertEquals(built(net, side).outputs[0].shape, [1]);
    assertThrows(
      () => built(net, side - 1),
      RangeError,
      `pictures are ${side - 1}x64, expected at least ${side}x${side}`,
    );
  }
});
