import { assertAlmostEquals, assertEquals } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { initialWeight } from "./initial_weights.ts";

Deno.test("initialWeight() draws as torch's Embedding, Linear and LayerNorm do", () => {
  // torch 2.15: manual_seed(5), then Embedding(3, 8), Linear(6, 4), LayerNorm(4)
  const random = new TorchGenerator(5);
  const draw = (name: string, shape: readonly number[], inputs: number) =>
    initialWeight({ name, shape, inputs }, "torch", random);
  const close = (found: Float32Array, expected: readonly number[]) =>
    expected.forEach((value, i) => assertAlmostEquals(found[i], value, 3e-7));
  const queries = draw("queries", [3, 8], 8);
  close(queries, [1.84232986, 0.51888716, -1.71192133, -1.7013793]);
  assertAlmostEquals(queries[23], -0.06473517, 3e-7);
  const weight = draw("encoder.query.weight", [4, 6], 6);
  close(weight, [0.06685044, -0.11512503, -0.36767238, 0.18997602]);
  assertAlmostEquals(weight[23], -0.13194974, 3e-7);
  const bias = draw("encoder.query.bias", [4], 6);
  close(bias, [-0.27763772, 0.32991961, 0.04550592, 0.18612613]);
  const norm = ["weight", "bias"].map((
    name,
  ) => [...draw(`encoder.norm1.${name}`, [4], 4)]);
  assertEquals(norm, [[1, 1, 1, 1], [0, 0, 0, 0]]);
});
