import { assert, assertEquals } from "@std/assert";
import { decode } from "fast-png";
import { noisePictures } from "@dip-go/testing/browser";
import { pairsWithin, picturesWithin } from "./picture_budget.ts";

const pngOf = (uri: string) => decode(Uint8Array.fromBase64(uri.split(",")[1]));

const batches = (side: number, pairs: number) =>
  new Map(
    ["full", "a"].map((name, seed) => [
      name,
      noisePictures({ pairs, side, seed }),
    ]),
  );

Deno.test("picturesWithin() keeps the size of small pictures, at most eight", () => {
  const images = batches(8, 10);
  const pictures = picturesWithin(images, { maxBytes: 1e6 });
  assertEquals([...pictures.keys()], ["full", "a"]);
  assertEquals(pictures.get("a")!.length, 8);
  const { width, height, data } = pngOf(pictures.get("a")![0]);
  assertEquals([width, height], [8, 8]);
  // the first pixel's red, from [-1, 1] to bytes
  const [red] = images.get("a")!.data;
  assertEquals(data[0], Math.round((red + 1) / 2 * 255));
});

Deno.test("picturesWithin() takes fewer pixels, then fewer pairs", () => {
  const pictures = (maxBytes: number) =>
    picturesWithin(batches(160, 5), { maxBytes }).get("full")!;
  const whole = pictures(10e6);
  assertEquals([pngOf(whole[0]).width, whole.length], [160, 5]);
  // noise does not compress: 160 x 160 x 3 bytes are 102 kB in base64
  const smaller = pictures(8 * 70_000);
  assertEquals([pngOf(smaller[0]).width, smaller.length], [128, 4]);
  const fewer = pictures(2 * 20_000);
  assertEquals([pngOf(fewer[0]).width, fewer.length], [64, 1]);
  assertEquals(pictures(100), []);
});

Deno.test("pairsWithin() counts whole pairs of all rows", () => {
  const rows = [["aaa", "aaa"], ["b", "b"], []];
  assertEquals(
    [3, 4, 7, 8].map((maxBytes) => pairsWithin(rows, { maxBytes })),
    [0, 1, 1, 2],
  );
  assert(pairsWithin([], { maxBytes: 1 }) === 0);
});
