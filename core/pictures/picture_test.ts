import { assertEquals, assertThrows } from "@std/assert";
import { float32 } from "../tensor/tensor.ts";
import { imageOf, rgbImage } from "./picture.ts";

const image = float32([3, 1, 2], [-1, 1, 0, -2, 2, 0.5]);

Deno.test("rgbImage() interleaves channels, rounds and clips", () => {
  assertEquals(rgbImage(image), {
    width: 2,
    height: 1,
    channels: 3,
    data: Uint8Array.of(0, 128, 255, 255, 0, 191),
  });
});

Deno.test("rgbImage() refuses other shapes and NaN by name", () => {
  assertThrows(() => rgbImage(float32([1, 1, 1], [0])), TypeError, "[1,1,1]");
  assertThrows(
    () => rgbImage(float32([3, 1, 1], [0, NaN, 0])),
    RangeError,
    "element 1",
  );
});

Deno.test("imageOf() gives every byte a number that rgbImage() rounds back", () => {
  const data = Uint8Array.from({ length: 768 }, (_, i) => i % 256);
  const picture = { height: 16, width: 16, channels: 3, data };
  assertEquals(rgbImage(imageOf(picture)), picture);
  const { shape, data: [first] } = imageOf(picture);
  assertEquals([shape, first], [[3, 16, 16], -1]);
});
