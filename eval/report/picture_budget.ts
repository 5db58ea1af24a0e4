/** Fits pictures into a page's budget: first with fewer pixels, then with fewer pairs. */
import {
  type Picture,
  pilResize,
  pngDataUri,
  rgbImage,
} from "@dip-go/core/pictures";
import { type Tensor, unstacked } from "@dip-go/core/tensor";

/** The most pairs that a page shows. */
const mostPairs = 8;

/** The number of pairs that should fit: pictures are shrunk until they do. */
const enoughPairs = 4;

/** The longest sides to try, after the pictures' own. */
const smallerSides = [256, 128, 64];

/**
 * The number of leading pairs whose pictures take at most `maxBytes`, in all
 * rows together.
 *
 * @param rows The data URIs of each row, one for each pair.
 */
export function pairsWithin(
  rows: readonly (readonly string[])[],
  { maxBytes }: { maxBytes: number },
): number {
  const most = Math.max(0, ...rows.map(({ length }) => length));
  let bytes = 0;
  for (let pair = 0; pair < most; pair++) {
    for (const row of rows) bytes += row[pair]?.length ?? 0;
    if (bytes > maxBytes) return pair;
  }
  return most;
}

/**
 * The pictures of the first pairs as PNG data URIs, by row: at most eight pairs, in
 * the largest size in which four pairs fit, and only the pairs that fit.
 *
 * @param rows Images `[n, 3, H, W]` in [-1, 1] by row, of one shape.
 * @param options `maxBytes`: the most bytes of all URIs together.
 */
export function picturesWithin(
  rows: ReadonlyMap<string, Tensor<"float32">>,
  { maxBytes }: { maxBytes: number },
): Map<string, string[]> {
  const images = [...rows].map(([name, batch]) => ({
    name,
    images: unstacked(batch).slice(0, mostPairs).map(rgbImage),
  }));
  const [{ images: [first] }] = images;
  const own = Math.max(first.width, first.height);
  const sides = [own, ...smallerSides.filter((side) => side < own)];
  let uris: string[][] = [];
  let pairs = 0;
  for (const side of sides) {
    uris = images.map(({ images }) =>
      images.map((image) => pngDataUri(fitted(image, side)))
    );
    pairs = pairsWithin(uris, { maxBytes });
    if (pairs >= Math.min(enoughPairs, uris[0].length)) break;
  }
  return new Map(images.map(({ name }, i) => [name, uris[i].slice(0, pairs)]));
}

/** Shrinks a picture until its longest side is at most `side` pixels. */
function fitted(image: Picture, side: number): Picture {
  const longest = Math.max(image.width, image.height);
  if (longest <= side) return image;
  const [width, height] = [image.width, image.height]
    .map((size) => Math.max(1, Math.round(size * side / longest)));
  return pilResize(image, { width, height }, "bicubic");
}
