/**
 * Draws the pictures of `shapes.ts`. Edges are anti-aliased by the signed
 * distance: a pixel whose centre lies d pixels outside the edge is covered
 * 1/2 - d, within [0, 1], which is exact for a straight edge along an axis.
 */

import { float32, type Tensor } from "../core/tensor.ts";
import { partsOf, sampleSpec, type ShapeSpec } from "./shapes.ts";

/** Side in pixels of the pictures that the embedded models are trained on. */
export const pictureSize = 24;

/**
 * One picture: RGB planes `[3, H, W]`, H = W = `size`, values in [-1, 1].
 * A pure function of its arguments.
 *
 * @throws {RangeError} If the spec's class does not exist.
 */
export function renderShape(
  spec: ShapeSpec,
  size: number = pictureSize,
): Float32Array {
  const picture = new Float32Array(3 * size * size);
  draw(spec, size, picture);
  return picture;
}

/**
 * Random pictures of the given classes, `[B, 3, H, W]` in [-1, 1].
 *
 * @param options.uniform Source of numbers in [0, 1), such as `SplitMix32`'s; 12 are drawn a picture.
 * @param options.size Side in pixels, H = W.
 * @throws {RangeError} If one of the classes does not exist.
 */
export function renderBatch(
  classIds: readonly number[],
  { uniform, size = pictureSize }: { uniform: () => number; size?: number },
): Tensor<"float32"> {
  const elements = 3 * size * size;
  const batch = new Float32Array(classIds.length * elements);
  classIds.forEach((classId, b) =>
    draw(
      sampleSpec(classId, uniform),
      size,
      batch.subarray(b * elements, (b + 1) * elements),
    )
  );
  return float32([classIds.length, 3, size, size], batch);
}

/** Writes one picture into `out` `[3, H, W]`; nothing is allocated per pixel. */
function draw(spec: ShapeSpec, size: number, out: Float32Array): void {
  const { shape: { distance }, colour } = partsOf(spec.classId);
  const { background, light, backgroundGradient } = spec;
  const cos = Math.cos(spec.rotation);
  const sin = Math.sin(spec.rotation);
  const lightX = light.amount * Math.cos(light.angle);
  const lightY = light.amount * Math.sin(light.angle);
  const slopeX = 2 * backgroundGradient.amount *
    Math.cos(backgroundGradient.angle);
  const slopeY = 2 * backgroundGradient.amount *
    Math.sin(backgroundGradient.angle);
  const radiusInPixels = spec.radius * size;
  const plane = size * size;

  for (let row = 0; row < size; row++) {
    const v = (row + 0.5) / size;
    for (let column = 0; column < size; column++) {
      const u = (column + 0.5) / size;
      // The pixel's centre in the object's frame, first in circumradii, then turned back.
      const x = (u - spec.x) / spec.radius;
      const y = (v - spec.y) / spec.radius;
      const d = distance(cos * x + sin * y, cos * y - sin * x);
      const coverage = clamp(0.5 - d * radiusInPixels, 0, 1);
      const brightness = 1 +
        clamp(lightX * x + lightY * y, -light.amount, light.amount);
      const ground = slopeX * (u - 0.5) + slopeY * (v - 0.5);
      const at = row * size + column;
      for (let c = 0; c < 3; c++) {
        const behind = background[c] + ground;
        const value = behind + coverage * (colour[c] * brightness - behind);
        out[c * plane + at] = clamp(2 * value - 1, -1, 1);
      }
    }
  }
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}
