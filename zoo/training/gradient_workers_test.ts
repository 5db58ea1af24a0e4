import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { layOut } from "@dip-go/core/autodiff";
import { type Graph, GraphBuilder } from "@dip-go/core/onnx";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { openGradientWorkers } from "./gradient_workers.ts";

/** The mean squared error of x W for two pairs of numbers. */
function leastSquares(): Graph {
  const g = new GraphBuilder("least-squares");
  const x = g.input("x", "float32", [2, 3]);
  const y = g.input("y", "float32", [2, 1]);
  const error = g.sub(g.matMul(x, g.parameter("w", [3, 1])), y);
  return g.build({
    loss: g.reduceMean(g.mul(error, error), { keepDims: false }),
  });
}

const layout = layOut([["w", [3, 1]]]);
const w = Float32Array.of(0.5, -1, 2);
const rows = [
  { x: [1, 2, 3], y: 1 },
  { x: [0, 1, -1], y: 2 },
  { x: [4, 0, 1], y: -3 },
  { x: [2, -2, 1], y: 0 },
  { x: [1, 1, 1], y: 5 },
  { x: [-3, 1, 0], y: 1 },
];

/** The batch of rows 2i and 2i + 1. */
const batchOf = (i: number): Record<string, Tensor> => {
  const own = rows.slice(2 * i, 2 * i + 2);
  return {
    x: float32([2, 3], own.flatMap(({ x }) => x)),
    y: float32([2, 1], own.map(({ y }) => y)),
  };
};

/** Loss and gradient over the first n rows, computed without a graph. */
function byHand(n: number): { loss: number; gradient: number[] } {
  const own = rows.slice(0, n);
  const errors = own.map(({ x, y }) =>
    x.reduce((sum, value, i) => sum + value * w[i], 0) - y
  );
  const loss = errors.reduce((sum, e) => sum + e * e, 0) / n;
  const gradient = [0, 1, 2].map((i) =>
    own.reduce((sum, { x }, r) => sum + 2 * errors[r] * x[i], 0) / n
  );
  return { loss, gradient };
}

for (const count of [1, 2, 3]) {
  Deno.test(`${count} batches give the loss and gradient of all their rows`, async () => {
    await using workers = await openGradientWorkers(leastSquares(), {
      layout,
      batches: count,
    });
    const batches = Array.from({ length: count }, (_, i) => batchOf(i));
    const expected = byHand(2 * count);
    for (let again = 0; again < 2; again++) {
      const { loss, gradient } = await workers.run(w, batches);
      assertAlmostEquals(loss, expected.loss, 1e-4);
      expected.gradient.forEach((value, i) =>
        assertAlmostEquals(gradient[i], value, 1e-4)
      );
    }
    assertEquals([...w], [0.5, -1, 2]);
  });
}

Deno.test("an error in a thread is thrown to its caller", async () => {
  const g = new GraphBuilder("no-parameters");
  const empty = g.build({ loss: g.input("x", "float32", []) });
  await assertRejects(
    () => openGradientWorkers(empty, { layout, batches: 2 }),
    Error,
    "w",
  );
  await using workers = await openGradientWorkers(leastSquares(), {
    layout,
    batches: 1,
  });
  await assertRejects(
    () => workers.run(w, [{ x: batchOf(0).x }]),
    Error,
    'input "y"',
  );
});
