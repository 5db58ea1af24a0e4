import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "../core/random.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import { mapped, mapReaders, whiteningOf } from "./white_features.ts";

/** Features of four numbers, two of them nearly the same, none about 0. */
function features(): Tensor<"float32"> {
  const { data } = new TorchGenerator(1).randn([50, 20, 4]);
  const mixed = data.map((x, i) =>
    i % 4 === 1 ? 3 + data[i - 1] + 0.3 * x : 3 + 2 * x
  );
  return float32([50, 20, 4], mixed);
}

/** Σ x xᵀ / N */
function moments({ data, shape }: Tensor<"float32">): number[][] {
  const width = shape[shape.length - 1];
  const count = data.length / width;
  const at = (n: number, i: number) => data[n * width + i];
  return Array.from(
    { length: width },
    (_, i) =>
      Array.from({ length: width }, (_, j) => {
        let sum = 0;
        for (let n = 0; n < count; n++) sum += at(n, i) * at(n, j);
        return sum / count;
      }),
  );
}

Deno.test("white features have unit second moments, but where next to nothing varies", () => {
  const own = features();
  const { whiten } = whiteningOf(own);
  moments(mapped(own, whiten)).forEach((row, i) =>
    row.forEach((value, j) => {
      if (i !== j) assert(Math.abs(value) < 0.1, `${value}`);
      else assert(value > 0.7 && value <= 1.001, `${value}`);
    })
  );
});

Deno.test("matrices trained on white features, folded, read the features themselves", () => {
  const own = features();
  const { whiten, unwhiten } = whiteningOf(own);
  const reader = new TorchGenerator(2).randn([3, 4]);
  const other = new TorchGenerator(3).randn([4, 4]);
  const weights = {
    "down.attn2.to_k.weight": reader,
    "down.attn2.to_q.weight": other,
  };
  const folded = mapReaders(weights, whiten);
  assertEquals(folded["down.attn2.to_q.weight"], other);
  const applied = (x: Tensor<"float32">, { data }: Tensor<"float32">) =>
    Array.from(
      { length: 3 },
      (_, o) =>
        x.data.subarray(0, 4).reduce(
          (sum, v, i) => sum + v * data[4 * o + i],
          0,
        ),
    );
  const found = applied(own, folded["down.attn2.to_k.weight"]);
  applied(mapped(own, whiten), reader).forEach((value, o) =>
    assertAlmostEquals(found[o], value, 1e-4)
  );
  const back = mapReaders(folded, unwhiten)["down.attn2.to_k.weight"];
  back.data.forEach((value, i) =>
    assertAlmostEquals(value, reader.data[i], 1e-4)
  );
});
