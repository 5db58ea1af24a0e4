import { assert, assertAlmostEquals } from "@std/assert";
import { range, sum } from "../../numbers.ts";
import { type PictureProducts, reweighted } from "./reweighted.ts";

/** Coordinates that are the elements' weights themselves. */
const space = {
  products: (_: number, of: readonly (readonly number[])[]) =>
    of.map((row) => [...row]),
  toCoordinates: (_: number, row: ArrayLike<number>) => Array.from(row),
  elementWeights: (_: number, coordinates: readonly number[]) => [
    ...coordinates,
  ],
};

const dot = (a: readonly number[], b: readonly number[]) =>
  sum(a.map((x, i) => x * b[i]));

const productsOf = (
  elements: readonly number[][],
  target: readonly number[],
): PictureProducts => ({
  elements: elements.map((a) => elements.map((b) => dot(a, b))),
  target: elements.map((a) => dot(a, target)),
  square: dot(target, target),
});

/** Two elements of a picture, of eight values. */
const elementsOf = (picture: number) =>
  [1.3, 2.9].map((pace) =>
    range(8).map((i) => Math.sin(pace * (i + 1) + picture))
  );

/** Eight values with the same weights in all pictures, up to a little noise. */
const targetOf = (picture: number, [a, b]: readonly number[][]) =>
  a.map((x, i) => x - 0.5 * b[i] + 0.01 * Math.cos(7 * i + picture));

Deno.test("one picture that went astray does not rule the fit of the others", () => {
  const usual = range(6).map((picture) => {
    const elements = elementsOf(picture);
    return productsOf(elements, targetOf(picture, elements));
  });
  const elements = elementsOf(9);
  const astray = productsOf(elements, elements[1].map((x) => 40 * x));
  const { coordinates } = reweighted(space, 0, [...usual, astray]);
  assertAlmostEquals(coordinates[0], 1, 0.05);
  assertAlmostEquals(coordinates[1], -0.5, 0.05);
});

Deno.test("the mean log error is at a minimum, where that of least squares is not", () => {
  const pictures = range(12).map((picture) => {
    const elements = elementsOf(picture);
    const noise = 0.01 * 1.6 ** picture;
    const target = targetOf(picture, elements)
      .map((x, i) => x + noise * Math.sin(5 * i + picture));
    return productsOf(elements, target);
  });
  const logOf = (weights: readonly number[]) =>
    sum(pictures.map(({ elements, target, square }) =>
      Math.log(
        square - 2 * dot(weights, target) +
          dot(weights, elements.map((row) => dot(row, weights))),
      )
    ));
  const { coordinates: [a, b] } = reweighted(space, 0, pictures);
  const found = logOf([a, b]);
  for (const off of [-0.03, 0.03]) {
    assert(found < logOf([a + off, b]) && found < logOf([a, b + off]));
  }
  const total = (at: (picture: PictureProducts) => number) =>
    sum(pictures.map(at));
  const [p, q, r] = [[0, 0], [0, 1], [1, 1]].map(([i, j]) =>
    total(({ elements }) => elements[i][j])
  );
  const [s, t] = [0, 1].map((i) => total(({ target }) => target[i]));
  const least = [
    (r * s - q * t) / (p * r - q * q),
    (p * t - q * s) / (p * r - q * q),
  ];
  assert(found < logOf(least) - 0.1, `${found} beside ${logOf(least)}`);
});
