/** Joins the features of several towers. */
import { float32, type Tensor } from "../../tensor/tensor.ts";

/** Joins `[1, S, A]` and `[1, S, B]` to `[1, S, A + B]`, or `[1, A]` and `[1, B]` to `[1, A + B]`. */
export function sideBySide(a: Tensor, b: Tensor): Tensor<"float32"> {
  const [left, right] = [a, b].map(({ shape }) => shape[shape.length - 1]);
  const rows = a.data.length / left;
  const width = left + right;
  const data = new Float32Array(rows * width);
  const row = ({ data }: Tensor, size: number, i: number) =>
    (data as Float32Array).subarray(i * size, (i + 1) * size);
  for (let i = 0; i < rows; i++) {
    data.set(row(a, left, i), i * width);
    data.set(row(b, right, i), i * width + left);
  }
  return float32([...a.shape.slice(0, -1), width], data);
}

/** Joins `[1, S, A]`, widened by zeros, and `[1, T, width]` to `[1, S + T, width]`. @throws {TypeError} If A > width. */
export function oneAfterTheOther(a: Tensor, b: Tensor): Tensor<"float32"> {
  const [, first, narrow] = a.shape;
  const [, second, width] = b.shape;
  if (narrow > width) {
    throw new TypeError(
      `Cannot join features: the first are ${narrow} wide, expected at most ${width}, as the second`,
    );
  }
  const data = new Float32Array((first + second) * width);
  for (let i = 0; i < first; i++) {
    const row = (a.data as Float32Array).subarray(i * narrow, (i + 1) * narrow);
    data.set(row, i * width);
  }
  data.set(b.data as Float32Array, first * width);
  return float32([1, first + second, width], data);
}
