/**
 * The captioned data set of the embedded text-to-image models: one or two
 * objects of named shape, colour, size and place on a named ground, and
 * sentences that describe them in a small closed vocabulary. `render.ts` draws.
 */
import { float32, type Tensor } from "@dip-go/core/tensor";
import { paint, type PaintedObject, type Painting } from "./render.ts";
import {
  colours,
  type Gradient,
  type Rgb,
  type Shape,
  shapes,
} from "./shapes.ts";

/** Side in pixels of a scene. */
export const sceneSize = 64;

/** The inner radius of the star, whose outer radius is 1, as in a regular pentagram. */
const starInner = Math.cos(2 * Math.PI / 5) / Math.cos(Math.PI / 5);

/** A star of five points, one up. The distance is to the nearest of ten edges, found by folding to half a point. */
const star: Shape = {
  name: "star",
  distance(x, y) {
    const sector = 2 * Math.PI / 5;
    const angle = Math.atan2(x, -y); // from the upper point
    const folded = Math.abs(angle - sector * Math.round(angle / sector));
    const radius = Math.hypot(x, y);
    const [px, py] = [radius * Math.sin(folded), radius * Math.cos(folded)];
    const [ex, ey] = [
      starInner * Math.sin(sector / 2),
      starInner * Math.cos(sector / 2) - 1,
    ]; // from the outer corner (0, 1) to the inner one
    return (px * -ey + (py - 1) * ex) / Math.hypot(ex, ey);
  },
  radius: [7, 9.5],
  tilt: 20,
};

/** Shapes of the scenes; the first five are the classes of `shapes.ts`. */
export const sceneShapes: readonly Shape[] = [...shapes, star];

/** The grounds, each with the range that its grey level is drawn from. */
const grounds = [
  { name: "black", grey: [0.04, 0.14] },
  { name: "grey", grey: [0.32, 0.5] },
  { name: "white", grey: [0.84, 0.96] },
] as const;

/** Circumradii as fractions of the side, and the words for them. */
const sizes = [
  { words: ["small", "tiny"], radius: [0.115, 0.145] },
  { words: ["large", "big"], radius: [0.185, 0.215] },
] as const;

/** The places of objects: their mean centres, as fractions of the side from the top left corner. */
const places = [
  { words: "in the middle", x: 0.5, y: 0.5 },
  { words: "on the left", x: 0.26, y: 0.5 },
  { words: "on the right", x: 0.74, y: 0.5 },
  { words: "at the top", x: 0.5, y: 0.26 },
  { words: "at the bottom", x: 0.5, y: 0.74 },
] as const;

/** Pairs of places that two objects can be at without touching. */
const pairsOfPlaces = [[1, 2], [3, 4]] as const;

/** An object by its attributes, each an index into its list. */
export interface SceneObject {
  readonly shape: number;
  readonly colour: number;
  readonly size: number;
  readonly place: number;
}

/** The content of a scene, without the random details of its drawing. */
export interface Scene {
  readonly objects: readonly SceneObject[];
  readonly ground: number;
}

/** The number of values of each attribute. */
export const attributeCounts: Readonly<Record<keyof SceneObject, number>> = {
  shape: sceneShapes.length,
  colour: colours.length,
  size: sizes.length,
  place: places.length,
};

/** A scene with a sentence that is true of it. */
export interface CaptionedScene {
  readonly scene: Scene;
  readonly caption: string;
}

type Uniform = () => number;

const below = (n: number, uniform: Uniform): number =>
  Math.floor(uniform() * n);
const between = ([low, high]: readonly [number, number], uniform: Uniform) =>
  low + (high - low) * uniform();
const pick = <T>(values: readonly T[], uniform: Uniform): T =>
  values[below(values.length, uniform)];

/** The names of the kinds of objects, "red circle" to "cyan star"; index = shape * 6 + colour. */
export const kindNames: readonly string[] = sceneShapes.flatMap((shape) =>
  colours.map((colour) => `${colour.name} ${shape.name}`)
);

/** An object's kind, as an index into {@linkcode kindNames}. */
export const kindOf = ({ shape, colour }: SceneObject): number =>
  shape * colours.length + colour;

/** A random scene of one object or, half of the time, of two that differ in shape or colour. */
export function drawScene(uniform: Uniform): Scene {
  const ground = below(grounds.length, uniform);
  const object = (place: number): SceneObject => ({
    shape: below(sceneShapes.length, uniform),
    colour: below(colours.length, uniform),
    size: below(sizes.length, uniform),
    place,
  });
  if (uniform() < 0.5) {
    return { ground, objects: [object(below(places.length, uniform))] };
  }
  const [first, second] = pick(pairsOfPlaces, uniform);
  const one = object(first);
  let other = object(second);
  while (kindOf(other) === kindOf(one)) other = object(second);
  return { ground, objects: uniform() < 0.5 ? [one, other] : [other, one] };
}

/**
 * Whether a scene is kept out of the training of diffusion models: one in eight
 * pairs of kinds is. A model that draws such a pair has put it together itself.
 */
export const isReserved = ({ objects }: Scene): boolean =>
  objects.length === 2 && (kindOf(objects[0]) + kindOf(objects[1])) % 8 === 0;

/** A word of a sentence. */
export interface CaptionWord {
  readonly text: string;
  /** The index of the object that the word is about, if any. */
  readonly object?: number;
  /** The attribute of the object that this word says; for a place, its last word does. */
  readonly says?: keyof SceneObject;
}

/** A sentence about a scene, and the attributes that it names. */
export interface Description {
  readonly words: readonly CaptionWord[];
  /** Whether the ground is named. */
  readonly ground: boolean;
  /** Which attributes of each object are named; shape and colour always are. */
  readonly objects: readonly {
    readonly size: boolean;
    readonly place: boolean;
  }[];
}

/** Describes a scene in a random sentence: shapes and colours always, other attributes now and then. */
export function describeScene(scene: Scene, uniform: Uniform): Description {
  const named = scene.objects.map((object) => phraseOf(object, uniform));
  const ground = grounds[scene.ground].name;
  const end = pick([[], [",", ground, "background"], ["on", ground]], uniform);
  const phrases = named.map(({ words }, object) => [
    ...object > 0 ? [{ text: "and" }] : [],
    ...words.map((word) => ({ ...word, object })),
  ]);
  return {
    words: [...phrases.flat(), ...end.map((text) => ({ text }))],
    ground: end.length > 0,
    objects: named.map(({ size, place }) => ({ size, place })),
  };
}

/** The text of a description. */
export const captionText = ({ words }: Description): string =>
  words.map(({ text }) => text).join(" ").replaceAll(" ,", ",");

/** The text of {@linkcode describeScene}. */
export const captionOf = (scene: Scene, uniform: Uniform): string =>
  captionText(describeScene(scene, uniform));

function phraseOf(
  { shape, colour, size, place }: SceneObject,
  uniform: Uniform,
): { words: CaptionWord[]; size: boolean; place: boolean } {
  const sizeWords = uniform() < 0.7 ? [pick(sizes[size].words, uniform)] : [];
  const placeWords = uniform() < 0.7 ? places[place].words.split(" ") : [];
  return {
    words: [
      { text: "a" },
      ...sizeWords.map((text) => ({ text, says: "size" as const })),
      { text: colours[colour].name, says: "colour" },
      { text: sceneShapes[shape].name, says: "shape" },
      ...placeWords.map((text, i) =>
        i < placeWords.length - 1 ? { text } : { text, says: "place" as const }
      ),
    ],
    size: sizeWords.length > 0,
    place: placeWords.length > 0,
  };
}

/** Draws another scene that fits a scene's description: attributes that it does not name are drawn again. */
export function redrawn(
  scene: Scene,
  { ground, objects }: Description,
  uniform: Uniform,
): Scene {
  const arePlaced = objects.some(({ place }) => place); // one object's place gives the other's
  const fresh = placesOf(scene.objects.length, uniform);
  return {
    ground: ground ? scene.ground : below(grounds.length, uniform),
    objects: scene.objects.map((object, i) => ({
      ...object,
      size: objects[i].size ? object.size : below(sizes.length, uniform),
      place: arePlaced ? object.place : fresh[i],
    })),
  };
}

/** Draws the places of one or two objects. */
function placesOf(objects: number, uniform: Uniform): readonly number[] {
  if (objects === 1) return [below(places.length, uniform)];
  const pair = pick(pairsOfPlaces, uniform);
  return uniform() < 0.5 ? pair : pair.toReversed();
}

/** A random scene and a sentence about it. */
export function drawCaptioned(uniform: Uniform): CaptionedScene {
  const scene = drawScene(uniform);
  return { scene, caption: captionOf(scene, uniform) };
}

/** Every word of the captions, and their comma. */
export const vocabulary: readonly string[] = [
  ...new Set([
    "a",
    "and",
    "on",
    "background",
    ",",
    ...sizes.flatMap(({ words }) => words),
    ...colours.map(({ name }) => name),
    ...sceneShapes.map(({ name }) => name),
    ...places.flatMap(({ words }) => words.split(" ")),
    ...grounds.map(({ name }) => name),
  ]),
];

/** An object's approximate area: centre and circumradius as fractions of the side. */
export function areaOf(
  { place, size }: SceneObject,
): { x: number; y: number; radius: number } {
  const [low, high] = sizes[size].radius;
  return { ...places[place], radius: (low + high) / 2 };
}

/** Draws the details of a scene that its attributes leave open. */
export function paintingOf(scene: Scene, uniform: Uniform): Painting {
  const grey = between(grounds[scene.ground].grey, uniform);
  const tint = () => grey + between([-0.02, 0.02], uniform);
  return {
    background: [tint(), tint(), tint()] as Rgb,
    backgroundGradient: gradientOf([0, 0.05], uniform),
    objects: scene.objects.map((object) => paintedObject(object, uniform)),
  };
}

function gradientOf(
  amount: readonly [number, number],
  uniform: Uniform,
): Gradient {
  return {
    angle: between([-Math.PI, Math.PI], uniform),
    amount: between(amount, uniform),
  };
}

function paintedObject(object: SceneObject, uniform: Uniform): PaintedObject {
  const shape = sceneShapes[object.shape];
  const { x, y } = places[object.place];
  const shift = () => between([-0.02, 0.02], uniform);
  const tilt = shape.tilt * Math.PI / 180;
  return {
    shape,
    colour: colours[object.colour].rgb,
    x: x + shift(),
    y: y + shift(),
    radius: between(sizes[object.size].radius, uniform),
    rotation: between([-tilt, tilt], uniform),
    light: gradientOf([0.05, 0.2], uniform),
  };
}

/** Pictures of scenes, `[B, 3, 64, 64]` in [-1, 1]. */
export function renderScenes(
  scenes: readonly Scene[],
  uniform: Uniform,
): Tensor<"float32"> {
  const elements = 3 * sceneSize * sceneSize;
  const data = new Float32Array(scenes.length * elements);
  scenes.forEach((scene, b) =>
    paint(
      data.subarray(b * elements, (b + 1) * elements),
      sceneSize,
      paintingOf(scene, uniform),
    )
  );
  return float32([scenes.length, 3, sceneSize, sceneSize], data);
}
