import { assert, assertAlmostEquals } from "@std/assert";
import { range, sum } from "../../numbers.ts";
import {
  type PictureProducts,
  type Products,
  reweighted,
} from "./reweighted.ts";

/** The weights of two elements. */
function solve({ elements: [[p, q], [, r]], target: [s, t] }: Products) {
  const area = p * r - q * q;
  return { weights: [(r * s - q * t) / area, (p * t - q * s) / area] };
}

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
  const { weights } = reweighted([...usual, astray], solve);
  assertAlmostEquals(weights[0], 1, 0.05);
  assertAlmostEquals(weights[1], -0.5, 0.05);
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
  const { weights: [a, b] } = reweighted(pictures, solve);
  const found = logOf([a, b]);
  for (const off of [-0.03, 0.03]) {
    assert(found < logOf([a + off, b]) && found < logOf([a, b + off]));
  }
  const total = (at: (picture: PictureProducts) => number) =>
    sum(pictures.map(at));
  const { weights: least } = solve({
    elements: [0, 1].map((i) =>
      [0, 1].map((j) => total(({ elements }) => elements[i][j]))
    ),
    target: [0, 1].map((i) => total(({ target }) => target[i])),
  });
  assert(found < logOf(least) - 0.1, `${found} beside ${logOf(least)}`);
});
