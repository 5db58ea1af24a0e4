/**
 * Draws the pictures of `shapes.ts` and `scenes.ts`. Edges are anti-aliased by the signed
 * distance: a pixel whose centre lies d pixels outside the edge is covered
 * 1/2 - d, within [0, 1], which is exact for a straight edge along an axis.
 */

import { float32, type Tensor } from "@dip-go/core/tensor";
import {
  type Gradient,
  partsOf,
  type Rgb,
  sampleSpec,
  type Shape,
  type ShapeSpec,
} from "./shapes.ts";

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

/** Writes one picture into `out` `[3, H, W]`. */
function draw(spec: ShapeSpec, size: number, out: Float32Array): void {
  const { shape, colour } = partsOf(spec.classId);
  paint(out, size, { ...spec, objects: [{ ...spec, shape, colour }] });
}

/** A shape on a picture. Lengths are fractions of the picture's side, angles radians. */
export interface PaintedObject {
  readonly shape: Shape;
  readonly colour: Rgb;
  /** Centre of the circumscribed circle, from the top left corner. */
  readonly x: number;
  readonly y: number;
  /** Circumradius. */
  readonly radius: number;
  /** Clockwise. */
  readonly rotation: number;
  /** Light on the object: its colour times 1 ± amount at the circumscribed circle. */
  readonly light: Gradient;
}

/** What a picture shows: objects on a ground, later ones in front. */
export interface Painting {
  readonly background: Rgb;
  readonly backgroundGradient: Gradient;
  readonly objects: readonly PaintedObject[];
}

/** Paints into `out` `[3, H, W]`, H = W = `size`, values in [-1, 1]; nothing is allocated per pixel. */
export function paint(
  out: Float32Array,
  size: number,
  { background, backgroundGradient, objects }: Painting,
): void {
  paintGround(out, size, { background, gradient: backgroundGradient });
  for (const object of objects) paintObject(out, size, object);
  for (let i = 0; i < out.length; i++) out[i] = clamp(2 * out[i] - 1, -1, 1);
}

function paintGround(
  out: Float32Array,
  size: number,
  { background, gradient }: { background: Rgb; gradient: Gradient },
): void {
  const slopeX = 2 * gradient.amount * Math.cos(gradient.angle);
  const slopeY = 2 * gradient.amount * Math.sin(gradient.angle);
  const plane = size * size;
  for (let row = 0; row < size; row++) {
    const v = (row + 0.5) / size - 0.5;
    for (let column = 0; column < size; column++) {
      const u = (column + 0.5) / size - 0.5;
      const ground = slopeX * u + slopeY * v;
      const at = row * size + column;
      for (let c = 0; c < 3; c++) out[c * plane + at] = background[c] + ground;
    }
  }
}

/** Paints one object; pixels farther outside its circumscribed circle than a mitre stay unchanged. */
function paintObject(
  out: Float32Array,
  size: number,
  { shape: { distance }, colour, ...object }: PaintedObject,
): void {
  const { radius, light } = object;
  const cos = Math.cos(object.rotation);
  const sin = Math.sin(object.rotation);
  const lightX = light.amount * Math.cos(light.angle);
  const lightY = light.amount * Math.sin(light.angle);
  const plane = size * size;
  const rows = reach(object.y, radius, size);
  const columns = reach(object.x, radius, size);
  for (let row = rows.from; row < rows.to; row++) {
    const y = ((row + 0.5) / size - object.y) / radius;
    for (let column = columns.from; column < columns.to; column++) {
      const x = ((column + 0.5) / size - object.x) / radius;
      const d = distance(cos * x + sin * y, cos * y - sin * x);
      const coverage = clamp(0.5 - d * radius * size, 0, 1);
      if (coverage === 0) continue;
      const brightness = 1 +
        clamp(lightX * x + lightY * y, -light.amount, light.amount);
      for (let c = 0; c < 3; c++) {
        const at = c * plane + row * size + column;
        out[at] += coverage * (colour[c] * brightness - out[at]);
      }
    }
  }
}

/** The pixels that an object can touch along one axis. */
function reach(
  centre: number,
  radius: number,
  size: number,
): { from: number; to: number } {
  const mitre = 2;
  return {
    from: Math.max(0, Math.floor((centre - radius) * size) - mitre),
    to: Math.min(size, Math.ceil((centre + radius) * size) + mitre),
  };
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}
