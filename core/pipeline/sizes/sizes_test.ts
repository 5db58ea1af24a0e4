import { assertAlmostEquals, assertEquals } from "@std/assert";
import { waves } from "@dip-go/testing/models";
import { float32 } from "../../tensor/tensor.ts";
import { fitted } from "./fitted_picture.ts";
import { binned } from "./resolution_bins.ts";

/** A sum over the bins of many sizes, each weighed by its index, from diffusers' own tables. */
const sums = { 32: 307297680, 64: 614595360, 128: 1229190720, 256: 2456443776 };

Deno.test("binned() finds diffusers' sizes for pictures of every aspect ratio", () => {
  for (const [side, expected] of Object.entries(sums)) {
    let [sum, place] = [0, 0];
    for (let height = 64; height < 4200; height += 37) {
      for (let width = 64; width < 4200; width += 41) {
        const bin = binned({ height, width }, Number(side))!;
        for (const pixels of [bin.height, bin.width]) {
          sum += pixels * (place++ % 97 + 1);
        }
      }
    }
    assertEquals(sum, expected);
  }
  assertEquals(binned({ height: 64, width: 64 }, 16), null);
});

/** Every seventh value of waves `[2, 5, 4]` at other sizes, as diffusers fits them. */
const recorded: [number, number, number[]][] = [
  [7, 9, [-0.4816, 0.41664, -0.33296, -0.2229, 0.89315, -0.99999]],
  [3, 2, [-0.00546, 0.00147]],
  [5, 8, [-0.5676, 0.52802, 0.09567, -0.50484, -0.01674, 0.46535]],
];

Deno.test("fitted() enlarges, reduces and cuts as diffusers does", () => {
  const picture = float32([2, 5, 4], waves([2, 5, 4]).data);
  for (const [height, width, values] of recorded) {
    const { shape, data } = fitted(picture, { height, width });
    assertEquals(shape, [2, height, width]);
    values.forEach((x, i) => assertAlmostEquals(data[7 * i], x, 2e-5));
  }
  assertEquals(fitted(picture, { height: 5, width: 4 }), picture);
});
