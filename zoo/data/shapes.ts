/**
 * The procedural data set of the embedded models: thirty classes, one coloured
 * shape on a grey ground. This file says what a picture holds and how pictures
 * vary; `render.ts` draws it.
 *
 * Variation is real but moderate, since a model of a few million parameters
 * must learn crisp shapes in an hour. Rotation most of all: a square or cross
 * at 45° is another shape at 24 pixels, so the shapes with corners only tilt.
 */

/** Red, green and blue, each in [0, 1]. */
export type Rgb = readonly [number, number, number];

/** A shape inscribed in the unit circle, y pointing down, and how it varies. */
export interface Shape {
  readonly name: string;
  /** Signed distance from (x, y) to the edge, negative inside. Corners are mitred, not round, outside. */
  readonly distance: (x: number, y: number) => number;
  /** Smallest and largest circumradius, in pixels of a 24-pixel picture; pointed shapes get more, to weigh about the same. */
  readonly radius: readonly [number, number];
  /** Largest tilt to either side, in degrees; 0 if rotation changes nothing. */
  readonly tilt: number;
}

/** Arms of the cross: half length and half width of one bar, its corners on the unit circle. */
const crossArm = 0.94;
const crossHalfWidth = Math.sqrt(1 - crossArm ** 2);

/** The shapes, in the order of their class ids. */
export const shapes: readonly Shape[] = [
  {
    name: "circle",
    distance: (x, y) => Math.sqrt(x * x + y * y) - 1,
    radius: [5.5, 8.5],
    tilt: 0,
  },
  {
    name: "square",
    distance: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - Math.SQRT1_2,
    radius: [7, 9.5],
    tilt: 20,
  },
  {
    name: "triangle",
    distance: (x, y) =>
      Math.max(y, Math.sqrt(0.75) * Math.abs(x) - 0.5 * y) - 0.5,
    radius: [7, 9.5],
    tilt: 25,
  },
  {
    name: "cross",
    distance: (x, y) => {
      const along = Math.max(Math.abs(x), Math.abs(y));
      const across = Math.min(Math.abs(x), Math.abs(y));
      return Math.max(along - crossArm, across - crossHalfWidth);
    },
    radius: [7, 9.5],
    tilt: 20,
  },
  {
    name: "ring",
    distance: (x, y) => Math.abs(Math.sqrt(x * x + y * y) - 0.76) - 0.24,
    radius: [6.5, 9],
    tilt: 0,
  },
];

/** The colours, in the order of their class ids; none above 0.83, so that light up to +20% is not clipped. */
export const colours: readonly { readonly name: string; readonly rgb: Rgb }[] =
  [
    { name: "red", rgb: [0.83, 0.1, 0.08] },
    { name: "green", rgb: [0.08, 0.65, 0.14] },
    { name: "blue", rgb: [0.1, 0.22, 0.83] },
    { name: "yellow", rgb: [0.83, 0.75, 0.05] },
    { name: "magenta", rgb: [0.8, 0.1, 0.72] },
    { name: "cyan", rgb: [0.06, 0.75, 0.8] },
  ];

/** Name of each class, "red circle" to "cyan ring"; class id = shape index * 6 + colour index. */
export const classNames: readonly string[] = shapes.flatMap((shape) =>
  colours.map((colour) => `${colour.name} ${shape.name}`)
);

/** The shape and colour of a class. */
export interface ClassParts {
  readonly shape: Shape;
  readonly colour: Rgb;
}

/**
 * Returns the shape and colour of a class id.
 *
 * @throws {RangeError} If there is no such class.
 */
export function partsOf(classId: number): ClassParts {
  checkClass(classId);
  return {
    shape: shapes[Math.floor(classId / colours.length)],
    colour: colours[classId % colours.length].rgb,
  };
}

/**
 * The prompt that describes a class: "a red circle".
 *
 * @throws {RangeError} If there is no such class.
 */
export function captionOf(classId: number): string {
  checkClass(classId);
  return `a ${classNames[classId]}`;
}

function checkClass(classId: number): void {
  if (classNames[classId] === undefined) {
    throw new RangeError(
      `Cannot describe a class: found id ${classId}, expected an integer from 0 to ${
        classNames.length - 1
      }`,
    );
  }
}

/** A linear change of brightness: by `amount` from the middle to the end, towards `angle` (radians, y down). */
export interface Gradient {
  readonly angle: number;
  readonly amount: number;
}

/** One picture in full. Lengths are fractions of the picture's side, angles radians. */
export interface ShapeSpec {
  readonly classId: number;
  /** Centre of the circumscribed circle, from the top left corner. */
  readonly x: number;
  readonly y: number;
  /** Circumradius. */
  readonly radius: number;
  /** Clockwise. */
  readonly rotation: number;
  /** Light on the object: its colour times 1 ± amount at the circumscribed circle. */
  readonly light: Gradient;
  /** Colour in the middle of the picture. */
  readonly background: Rgb;
  /** Added to the background: ± amount half a side away from the middle. */
  readonly backgroundGradient: Gradient;
}

const pixel = 1 / 24;
/** The free margin around the circumscribed circle: an edge fades over half a pixel, the mitre of a 60° corner over a whole one. */
const margin = 1.5 * pixel;
const maxOffset = 4 * pixel;

/**
 * A random picture of a class: the object anywhere within 4 pixels of 24 of
 * the middle as long as all of it stays in the picture, light of up to ±20%,
 * and a dark to middle grey ground with a slight tint.
 *
 * @param uniform Numbers in [0, 1); 12 are drawn, whatever the class.
 * @throws {RangeError} If there is no such class.
 */
export function sampleSpec(
  classId: number,
  uniform: () => number,
): ShapeSpec {
  const { shape } = partsOf(classId);
  const between = (low: number, high: number) => low + (high - low) * uniform();
  const angle = () => between(-Math.PI, Math.PI);
  const radius = between(...shape.radius) * pixel;
  const reach = Math.min(maxOffset, 0.5 - margin - radius);
  const tilt = shape.tilt * Math.PI / 180;
  const grey = between(0.14, 0.4);
  const tint = () => grey + between(-0.03, 0.03);
  return {
    classId,
    x: 0.5 + between(-reach, reach),
    y: 0.5 + between(-reach, reach),
    radius,
    rotation: between(-tilt, tilt),
    light: { angle: angle(), amount: between(0.05, 0.2) },
    background: [tint(), tint(), tint()],
    backgroundGradient: { angle: angle(), amount: between(0, 0.08) },
  };
}
