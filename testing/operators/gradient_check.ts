/**
 * Checks a VJP graph against central differences of the forward graph, both
 * run by ONNX Runtime. Every VJP rule's test stands on this check.
 */
import { cotangentOf, gradientOf, vjpGraph } from "@dip-go/core/autodiff";
import { type Graph, valueOf } from "@dip-go/core/onnx";
import { openSession, type Session } from "@dip-go/core/runtime";
import { describe, float32, sizeOf, type Tensor } from "@dip-go/core/tensor";

type Feeds = Readonly<Record<string, Tensor>>;

/** The settings of a gradient check. */
export interface GradientCheck {
  /** A tensor for every input of the graph. */
  readonly feeds: Feeds;
  /** Inputs whose gradients are checked. */
  readonly wrt: readonly string[];
  /** Half the distance of a difference's two points; 1e-2 by default, a balance of float32's rounding and curvature. */
  readonly epsilon?: number;
}

/**
 * Compares the gradients of L = Σ y ⊙ R, with a fixed R for each output y, to
 * (L(x + ε) − L(x − ε)) / 2ε for each element of each input in `wrt`.
 *
 * @returns The largest error for each input, relative to its largest difference, or absolute if all differences are 0.
 * @throws {TypeError} If such an input or an output is not float32.
 */
export async function gradientErrors(
  graph: Graph,
  { feeds, wrt, epsilon = 1e-2 }: GradientCheck,
): Promise<Record<string, number>> {
  const R = Object.fromEntries(
    graph.outputs.map(({ name, shape }) => [name, ripple(shape)]),
  );
  await using forward = await openSession(graph, { threads: 1 });
  await using backward = await openSession(vjpGraph(graph, { wrt }), {
    threads: 1,
  });
  const cotangents = Object.fromEntries(
    Object.entries(R).map(([name, r]) => [cotangentOf(name), r]),
  );
  const gradients = await backward.run({ ...feeds, ...cotangents });
  const errors: Record<string, number> = {};
  for (const name of wrt) {
    const slopes = await differences(forward, { feeds, R, name, epsilon });
    errors[name] = relativeError(floats(gradients[gradientOf(name)]), slopes);
  }
  return errors;
}

/** Fixed weights R without symmetry: no gradient is zero by accident. */
function ripple(shape: readonly number[]): Tensor<"float32"> {
  return float32(
    shape,
    Float32Array.from(
      { length: sizeOf(shape) },
      (_, i) => Math.sin(2.3 * i + 1),
    ),
  );
}

function floats(t: Tensor): Float32Array {
  if (t.dtype !== "float32") {
    throw new TypeError(
      `Cannot check a gradient: found ${describe(t)}, expected float32`,
    );
  }
  return t.data as Float32Array;
}

async function differences(
  forward: Session,
  { feeds, R, name, epsilon }: {
    feeds: Feeds;
    R: Readonly<Record<string, Tensor>>;
    name: string;
    epsilon: number;
  },
): Promise<number[]> {
  const x = floats(feeds[name]);
  const { shape } = valueOf(forward.graph, name);
  const slopes: number[] = [];
  for (let i = 0; i < x.length; i++) {
    const [up, down] = [x[i] + epsilon, x[i] - epsilon].map(Math.fround);
    const losses: number[] = [];
    for (const point of [up, down]) {
      const moved = { ...feeds, [name]: float32(shape, x.with(i, point)) };
      losses.push(weightedSum(await forward.run(moved), R));
    }
    slopes.push((losses[0] - losses[1]) / (up - down));
  }
  return slopes;
}

/** Σ y ⊙ R over all outputs, in double precision. */
function weightedSum(
  outputs: Readonly<Record<string, Tensor>>,
  R: Readonly<Record<string, Tensor>>,
): number {
  let sum = 0;
  for (const [name, r] of Object.entries(R)) {
    const y = floats(outputs[name]);
    floats(r).forEach((weight, i) => sum += weight * y[i]);
  }
  return sum;
}

function relativeError(
  found: ArrayLike<number>,
  expected: readonly number[],
): number {
  const errors = expected.map((e, i) => Math.abs(e - found[i]));
  const scale = Math.max(...expected.map(Math.abs)) || 1;
  return errors.reduce(
    (worst, e) => e > worst || Number.isNaN(e) ? e : worst,
    0,
  ) / scale;
}
