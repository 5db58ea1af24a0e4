import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { pictureSize, renderBatch, renderShape } from "./render.ts";
import {
  captionOf,
  classNames,
  colours,
  partsOf,
  type Rgb,
  sampleSpec,
  type ShapeSpec,
} from "./shapes.ts";
import { SplitMix32 } from "./uniform.ts";

const everyClass = classNames.map((_, classId) => classId);

function sampledSpecs(perClass: number): ShapeSpec[] {
  const { uniform } = new SplitMix32(1);
  return everyClass.flatMap((classId) =>
    Array.from({ length: perClass }, () => sampleSpec(classId, uniform))
  );
}

/** The object's coverage of each pixel `[H, W]`: drawn flat on black, in units of its own colour. */
function coverageOf(spec: ShapeSpec, size = pictureSize): Float64Array {
  const flat = renderShape({
    ...spec,
    light: { angle: 0, amount: 0 },
    background: [0, 0, 0],
    backgroundGradient: { angle: 0, amount: 0 },
  }, size);
  const { colour } = partsOf(spec.classId);
  const brightest = colour.indexOf(Math.max(...colour));
  const plane = size * size;
  return Float64Array.from(
    { length: plane },
    (_, i) => (flat[brightest * plane + i] + 1) / 2 / colour[brightest],
  );
}

/** Mean colour in [0, 1] of the pixels that `keep` selects. */
function meanColour(picture: Float32Array, keep: (i: number) => boolean): Rgb {
  const plane = picture.length / 3;
  const kept = Array.from({ length: plane }, (_, i) => i).filter(keep);
  const mean = (c: number) =>
    kept.reduce((sum, i) => sum + (picture[c * plane + i] + 1) / 2, 0) /
    kept.length;
  return [mean(0), mean(1), mean(2)];
}

function colourDistance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

Deno.test("classNames count through the colours of each shape in turn", () => {
  assertEquals(classNames.length, 30);
  assertEquals(classNames[0], "red circle");
  assertEquals(classNames[2 * 6 + 3], "yellow triangle");
  assertEquals(classNames[29], "cyan ring");
  assertEquals(captionOf(7), "a green square");
});

Deno.test("captionOf() and sampleSpec() refuse a class that does not exist", () => {
  for (const classId of [-1, 30, 1.5, NaN]) {
    assertThrows(() => captionOf(classId), RangeError, `found id ${classId}`);
    assertThrows(() => sampleSpec(classId, () => 0), RangeError);
  }
});

Deno.test("sampleSpec() draws the same count of numbers for every class", () => {
  for (const classId of everyClass) {
    let drawn = 0;
    sampleSpec(classId, () => (drawn++, 0.5));
    assertEquals(drawn, 12);
  }
});

Deno.test("renderShape() is a pure function of its spec", () => {
  for (const spec of sampledSpecs(1)) {
    const frozen = Object.freeze({ ...spec });
    assertEquals(renderShape(frozen), renderShape(frozen));
  }
});

Deno.test("renderBatch() stacks the pictures that sampleSpec() describes", () => {
  const batch = renderBatch([4, 29], {
    uniform: new SplitMix32(3).uniform,
    size: 16,
  });
  const { uniform } = new SplitMix32(3);
  const single = [4, 29].map((c) => renderShape(sampleSpec(c, uniform), 16));
  assertEquals(batch.shape, [2, 3, 16, 16]);
  assertEquals([...batch.data], [...single[0], ...single[1]]);
});

Deno.test("pictures stay within [-1, 1] and no light is clipped", () => {
  for (const spec of sampledSpecs(20)) {
    const picture = renderShape(spec);
    assert(picture.every((value) => value > -1 && value < 1));
  }
});

Deno.test("the object lies inside the picture", () => {
  for (const spec of sampledSpecs(20)) {
    const coverage = coverageOf(spec);
    coverage.forEach((value, i) => {
      const row = Math.floor(i / pictureSize), column = i % pictureSize;
      const edge = Math.min(row, column) === 0 ||
        Math.max(row, column) === pictureSize - 1;
      if (edge) assertAlmostEquals(value, 0, 1e-6);
    });
  }
});

Deno.test("an object's mean colour is nearest to its class's colour", () => {
  for (const spec of sampledSpecs(20)) {
    const coverage = coverageOf(spec);
    const mean = meanColour(renderShape(spec), (i) => coverage[i] > 0.99);
    const distances = colours.map(({ rgb }) => colourDistance(mean, rgb));
    assertEquals(
      distances.indexOf(Math.min(...distances)),
      spec.classId % colours.length,
    );
  }
});

Deno.test("an object's colour is far from the ground behind it", () => {
  for (const spec of sampledSpecs(20)) {
    const coverage = coverageOf(spec);
    const picture = renderShape(spec);
    const object = meanColour(picture, (i) => coverage[i] > 0.99);
    const ground = meanColour(picture, (i) => coverage[i] < 0.01);
    assert(
      colourDistance(object, ground) > 0.3,
      `${classNames[spec.classId]}: ${colourDistance(object, ground)}`,
    );
  }
});

/** Areas in units of the squared circumradius, by elementary geometry. */
const unitArea = [
  Math.PI,
  2,
  Math.sqrt(27) / 4,
  // Two bars of half length 0.94 and half width w less their common square.
  4 * (2 * 0.94 * Math.sqrt(1 - 0.94 ** 2) - (1 - 0.94 ** 2)),
  Math.PI * (1 - 0.52 ** 2),
];

Deno.test("objects cover their analytic area", () => {
  for (const spec of sampledSpecs(5)) {
    const found = coverageOf(spec).reduce((sum, value) => sum + value, 0);
    const shape = Math.floor(spec.classId / colours.length);
    const expected = unitArea[shape] * (spec.radius * pictureSize) ** 2;
    assertAlmostEquals(found / expected, 1, 0.02);
  }
});

Deno.test("rotation does not change the disc and turns the square", () => {
  const { uniform } = new SplitMix32(5);
  const difference = (classId: number) => {
    const spec = sampleSpec(classId, uniform);
    const turned = renderShape({ ...spec, rotation: spec.rotation + 0.7 });
    return Math.max(
      ...renderShape(spec).map((value, i) => Math.abs(value - turned[i])),
    );
  };
  assertAlmostEquals(difference(0), 0, 1e-6);
  assert(difference(6) > 0.2);
});

Deno.test("triangles point up and rotation is clockwise", () => {
  const spec = {
    ...sampleSpec(12, () => 0.5),
    x: 0.5,
    y: 0.5,
    radius: 0.4,
  };
  const covered = (rotation: number, row: number, column: number) =>
    coverageOf({ ...spec, rotation })[row * pictureSize + column] > 0.5;
  assert(covered(0, 4, 12) && !covered(0, 19, 12));
  assert(covered(Math.PI / 2, 12, 19) && !covered(Math.PI / 2, 12, 4));
});

Deno.test("SplitMix32 passes its Weyl sequence through MurmurHash3's finalizer", () => {
  // murmur3_x86_32 of the empty string is the finalizer of the seed: known test vectors.
  const finalize = (value: number) =>
    new SplitMix32(value - 0x9e3779b9).uniform() * 2 ** 32;
  assertEquals(finalize(0), 0);
  assertEquals(finalize(1), 0x514e28b7);
  assertEquals(finalize(0xffffffff), 0x81f16f39);
});

Deno.test("SplitMix32 is uniform and resumes from its state", () => {
  const run = new SplitMix32(11);
  const mean = Array.from({ length: 10_000 }, run.uniform)
    .reduce((sum, value) => sum + value / 10_000, 0);
  assertAlmostEquals(mean, 0.5, 0.01);
  assertEquals(new SplitMix32(run.state).uniform(), run.uniform());
});
