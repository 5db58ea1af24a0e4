/**
 * Resize to given sizes. Interpolation is linear in x and separable: along each
 * axis y = R x with a constant matrix R `[out, in]`, so dx = Rᵀ dy, one small
 * product an axis. Nearest by a whole factor repeats x: its adjoint sums.
 */
import type { Node, Value } from "../../graph.ts";
import type { Operations } from "../../operations.ts";
import { float32, sizeOf } from "../../../tensor/tensor.ts";
import { none, type Operator } from "../operator.ts";

/** Input coordinate of output position o; in float32 if ONNX Runtime's rounding decides the nearest input. */
const coordinates: Readonly<
  Record<string, (o: number, input: number, output: number) => number>
> = {
  asymmetric: (o, input, output) =>
    Math.fround(o / Math.fround(output / input)),
  half_pixel: (o, input, output) => (o + 0.5) * input / output - 0.5,
  align_corners: (o, input, output) =>
    output === 1 ? 0 : o * (input - 1) / (output - 1),
};

export const resize: Operator = {
  shape({ x: { dtype, shape }, constant, fail }) {
    const sizes = constant(3);
    if (sizes.length !== shape.length) {
      fail(`${sizes.length} sizes, expected ${shape.length}`);
    }
    return [{ dtype, shape: sizes }];
  },
  macs: none,
  /**
   * The rule of `nearest` (rounding down) and `linear`, with `asymmetric`,
   * `half_pixel` or `align_corners` coordinates.
   *
   * @throws {RangeError} For any other mode.
   */
  vjp({ g, node, x, y, dy }) {
    checkModes(node);
    if (repeats(node, x, y)) return [sumRepeats(g, dy, x.shape)];
    let dx = dy;
    x.shape.forEach((input, axis) => {
      const output = y.shape[axis];
      if (input === output) return;
      const weights = interpolation(node, input, output);
      const R = g.constant(float32([output, input], weights));
      dx = productAlong(g, dx, { axis, R });
    });
    return [dx];
  },
};

const modeOf = (node: Node): string => node.attributes.mode ?? "nearest";
const coordinatesOf = (
  node: Node,
): string => node.attributes.coordinate_transformation_mode ?? "half_pixel";

function checkModes(node: Node): void {
  const rounding = node.attributes.nearest_mode ?? "round_prefer_floor";
  const mode = modeOf(node) === "nearest"
    ? `nearest ${rounding}`
    : modeOf(node);
  const known = ["nearest floor", "linear"].includes(mode) &&
    Object.hasOwn(coordinates, coordinatesOf(node)) &&
    !node.attributes.antialias;
  if (!known) {
    throw new RangeError(
      `Cannot differentiate node "${node.name}" (Resize): mode is ${mode}, ${
        coordinatesOf(node)
      }, expected nearest floor or linear, ${
        Object.keys(coordinates).join(" or ")
      }, without antialias`,
    );
  }
}

/** Whether y repeats each element of x a whole number of times along each axis. */
function repeats(node: Node, x: Value, y: Value): boolean {
  return modeOf(node) === "nearest" && coordinatesOf(node) === "asymmetric" &&
    x.shape.every((dim, i) => y.shape[i] % dim === 0);
}

/** `[..., H f, ...]` → `[..., H, f, ...]` → sums over every f. */
function sumRepeats(
  g: Operations,
  dy: Value,
  shape: readonly number[],
): Value {
  const split = shape.flatMap((dim, i) => [dim, dy.shape[i] / dim]);
  const axes = shape.map((_, i) => 2 * i + 1);
  return g.reduceSum(g.reshape(dy, split), { axes, keepDims: false });
}

/** R `[output, input]`, row-major: one weight a row for nearest, two neighbours for linear. */
function interpolation(
  node: Node,
  input: number,
  output: number,
): Float32Array {
  const R = new Float32Array(output * input);
  const at = coordinates[coordinatesOf(node)];
  for (let o = 0; o < output; o++) {
    const position = Math.min(Math.max(at(o, input, output), 0), input - 1);
    const low = Math.floor(position);
    const high = Math.min(low + 1, input - 1);
    const fraction = modeOf(node) === "linear" ? position - low : 0;
    R[o * input + low] += 1 - fraction;
    R[o * input + high] += fraction;
  }
  return R;
}

/** The product with Rᵀ along one axis: `[..., out, ...]` → `[..., in, ...]`. */
function productAlong(
  g: Operations,
  dy: Value,
  { axis, R }: { axis: number; R: Value },
): Value {
  const [output, input] = R.shape;
  const before = sizeOf(dy.shape.slice(0, axis));
  const after = sizeOf(dy.shape.slice(axis + 1));
  const product = after === 1
    ? g.matMul(g.reshape(dy, [before, output]), R)
    : g.fusedMatMul(R, g.reshape(dy, [before, output, after]), { transA: 1 });
  return g.reshape(product, dy.shape.with(axis, input));
}
