import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { float32 } from "../../tensor/tensor.ts";
import { flatten, layOut, viewsOf } from "./flat_parameters.ts";
import { clipGradient, gradientNorm } from "./gradient_norm.ts";
import { cosineLearningRate } from "./learning_rate.ts";
import { updateAverage } from "./moving_average.ts";
import { adamW, type Optimizer, sgd } from "./optimizer.ts";

Deno.test("adamW() first update moves each element by the learning rate against its gradient's sign", () => {
  const p = Float32Array.of(1, -2);
  adamW(2).update(p, Float32Array.of(0.3, -5), 0.1);
  assertAlmostEquals(p[0], 0.9, 1e-6);
  assertAlmostEquals(p[1], -1.9, 1e-6);
});

Deno.test("adamW() decays only the marked elements, even with zero gradients", () => {
  const p = Float32Array.of(1, 1);
  adamW(2, { weightDecay: 0.5, decays: Uint8Array.of(1, 0) }).update(
    p,
    new Float32Array(2),
    0.1,
  );
  assertAlmostEquals(p[0], 0.95, 1e-6);
  assertEquals(p[1], 1);
});

Deno.test("sgd() with momentum follows v = mu v + g", () => {
  const p = Float32Array.of(0);
  const optimizer = sgd(1, { momentum: 0.5 });
  optimizer.update(p, Float32Array.of(1), 1);
  optimizer.update(p, Float32Array.of(1), 1);
  assertAlmostEquals(p[0], -2.5, 1e-6);
});

Deno.test("restore() continues exactly where state() was taken", () => {
  const gradient = (i: number) => Float32Array.of(Math.sin(i), Math.cos(3 * i));
  for (
    const make of [
      () => adamW(2),
      () => sgd(2, { momentum: 0.9 }),
    ] as (() => Optimizer)[]
  ) {
    const [a, b] = [make(), make()];
    const p = Float32Array.of(1, 2);
    for (let i = 0; i < 3; i++) a.update(p, gradient(i), 0.1);
    const q = p.slice();
    b.restore(a.state());
    a.update(p, gradient(3), 0.1);
    b.update(q, gradient(3), 0.1);
    assertEquals(q, p);
  }
});

Deno.test("an optimiser refuses vectors of another length", () => {
  assertThrows(
    () => adamW(2).update(new Float32Array(3), new Float32Array(3), 1),
    RangeError,
    "expected 2",
  );
});

Deno.test("cosineLearningRate() warms up linearly and ends at the floor", () => {
  const options = { peak: 2, total: 100, warmUp: 10, floor: 0.1 };
  assertAlmostEquals(cosineLearningRate(4, options), 1);
  assertAlmostEquals(cosineLearningRate(10, options), 2);
  assertAlmostEquals(cosineLearningRate(55, options), 2 * 0.55);
  assertAlmostEquals(cosineLearningRate(100, options), 0.2);
});

Deno.test("clipGradient() scales to the limit and reports the norm it found", () => {
  const g = Float32Array.of(3, 4);
  assertEquals(clipGradient(g, 1), 5);
  assertAlmostEquals(gradientNorm(g), 1, 1e-6);
});

Deno.test("updateAverage() decays by at most `decay`, and faster in the first updates", () => {
  const average = Float32Array.of(0);
  updateAverage(average, Float32Array.of(1), { decay: 0.999, update: 0 });
  assertAlmostEquals(average[0], 0.9, 1e-6);
  updateAverage(average, Float32Array.of(0), { decay: 0.5, update: 1000 });
  assertAlmostEquals(average[0], 0.45, 1e-6);
});

Deno.test("flat parameters: views share memory, flatten() fills the slots and names what is missing", () => {
  const layout = layOut([["a", [2]], ["b", [1, 3]]]);
  const flat = flatten(layout, {
    a: float32([2], [1, 2]),
    b: float32([1, 3], [3, 4, 5]),
  });
  assertEquals([...flat], [1, 2, 3, 4, 5]);
  viewsOf(layout, flat).b.data[0] = 9;
  assert(flat[2] === 9);
  assertThrows(
    () => flatten(layout, { a: float32([2], [1, 2]) }),
    RangeError,
    `"b"`,
  );
});
