import { assertEquals, assertThrows } from "@std/assert";
import { decode, encode } from "fast-png";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { imageGrid } from "./image_grid.ts";

/** Image `[3, 10, 10]` whose red channel is `red`, the others -1. */
function reddish(red: number): Tensor<"float32"> {
  const values = Array.from({ length: 300 }, (_, i) => i < 100 ? red : -1);
  return float32([3, 10, 10], values);
}

Deno.test("imageGrid() puts each sample in its cell, enlarged, beside its label", () => {
  const grid = imageGrid([
    { label: "-", images: [reddish(1), reddish(0)] },
    { label: "", images: [reddish(-1)] },
  ], { zoom: 2 });
  const { width, height, data } = decode(encode(grid));
  const at = (x: number, y: number) =>
    [...data.slice(3 * (y * width + x))]
      .slice(0, 3);
  assertEquals([width, height], [20 + 2 * 24, 4 + 2 * 24]);
  assertEquals([at(20, 4), at(39, 23)], [[255, 0, 0], [255, 0, 0]]);
  assertEquals([at(40, 4), at(44, 4)], [[255, 255, 255], [128, 0, 0]]);
  assertEquals([at(20, 28), at(44, 28)], [[0, 0, 0], [255, 255, 255]]);
  assertEquals([at(6, 13), at(6, 12)], [[0, 0, 0], [255, 255, 255]]); // "-"
});

Deno.test("imageGrid() refuses grids without images, images of other shapes and fractional zooms", () => {
  const images = [reddish(0), float32([3, 1, 1], [0, 0, 0])];
  assertThrows(() => imageGrid([]), TypeError, "no image");
  assertThrows(
    () => imageGrid([{ label: "a", images }]),
    TypeError,
    "float32[3,1,1]",
  );
  assertThrows(() => imageGrid([], { zoom: 1.5 }), RangeError, "zoom is 1.5");
});
