import { assertEquals } from "@std/assert";
import { float32 } from "../../tensor/tensor.ts";
import {
  maskInput,
  maskOfLatents,
  pictureInput,
  uncovered,
} from "./picture_input.ts";

const data = Uint8Array.from(
  { length: 3 * 7 * 5 },
  (_, r) => (r * r * 7 + r * 31) % 256,
);
const picture = { height: 7, width: 5, channels: 3, data };

/** The reds after Pillow 13's Lanczos filter, and whether the greys are at least half bright. */
const resized = [
  {
    size: { height: 3, width: 6 },
    reds: [
      ...[111, 100, 164, 174, 97, 73],
      ...[181, 162, 111, 77, 98, 132],
      ...[172, 177, 105, 88, 152, 164],
    ],
    mask: [0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1],
  },
  {
    size: { height: 3, width: 2 },
    reds: [132, 120, 144, 99, 145, 131],
    mask: [1, 1, 1, 0, 1, 1],
  },
];

Deno.test("pictureInput() and maskInput() resize as Pillow does", () => {
  for (const { size, reds, mask } of resized) {
    const { shape, data } = pictureInput(picture, size);
    assertEquals(shape, [1, 3, size.height, size.width]);
    const bytes = data.slice(0, reds.length)
      .map((v) => Math.round((v + 1) * 127.5));
    assertEquals([...bytes], reds);
    assertEquals([...maskInput(picture, size).data], mask);
  }
});

Deno.test("uncovered() makes the masked part grey", () => {
  const image = float32([1, 3, 1, 2], [1, 2, 3, 4, 5, 6]);
  const mask = float32([1, 1, 1, 2], [1, 0]);
  assertEquals([...uncovered(image, mask).data], [0, 2, 0, 4, 0, 6]);
});

Deno.test("maskOfLatents() takes the nearest pixel as torch does", () => {
  const counted = float32(
    [1, 1, 7, 5],
    Array.from({ length: 35 }, (_, i) => i),
  );
  assertEquals([...maskOfLatents(counted, { height: 3, width: 4 }).data], [
    ...[0, 1, 2, 3],
    ...[10, 11, 12, 13],
    ...[20, 21, 22, 23],
  ]);
});
