import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { GraphBuilder } from "@dip-go/core/onnx";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { fidConventions, inceptionInput } from "./inception_inputs.ts";
import type { Picture } from "@dip-go/core/pictures";

/** Random bytes, with edges of black and white that overshoot under bicubic. */
function picture(height: number, width: number): Picture {
  const { data } = new TorchGenerator(height).randn([height, width, 3]);
  const bytes = Uint8Array.from(
    data,
    (x) => Math.min(Math.max(128 + 120 * x, 0), 255),
  );
  return { height, width, channels: 3, data: bytes };
}

/** The picture's planes `[3, 299, 299]` as ONNX Runtime interpolates them. */
async function interpolated(
  { height, width, data }: Picture,
  coordinates: "half_pixel" | "asymmetric",
): Promise<Float32Array> {
  const planes = new Float32Array(data.length);
  data.forEach((byte, i) => {
    planes[(i % 3) * height * width + Math.floor(i / 3)] = byte;
  });
  const g = new GraphBuilder("resize");
  const x = g.input("x", "float32", [1, 3, height, width]);
  const y = g.resize(x, [1, 3, 299, 299], { mode: "linear", coordinates });
  await using session = await openSession(g.build({ y }));
  const results = await session.run({
    x: float32([1, 3, height, width], planes),
  });
  return results.y.data as Float32Array;
}

Deno.test("pytorch-fid's input equals ONNX Runtime's interpolation between the centres of pixels", async () => {
  for (const [height, width] of [[64, 48], [320, 400]]) {
    const own = picture(height, width);
    const expected = await interpolated(own, "half_pixel");
    const { shape, data } = inceptionInput(own, "pytorch-fid");
    assertEquals(shape, [1, 3, 299, 299]);
    data.forEach((value, i) =>
      assertAlmostEquals(
        value,
        2 * expected[i] / 255 - 1,
        1e-4, // ONNX Runtime finds positions in float32
      )
    );
  }
});

Deno.test("clean-fid's input is clipped where bicubic overshoots, and centred at 128", () => {
  const { data } = inceptionInput(picture(40, 40), "clean-fid");
  const least = data.reduce((a, b) => Math.min(a, b));
  const most = data.reduce((a, b) => Math.max(a, b));
  assertEquals([least, most], [-1, 127 / 128]);
  const even = {
    height: 9,
    width: 9,
    channels: 3,
    data: new Uint8Array(243).fill(64),
  };
  const flat = inceptionInput(even, "clean-fid").data;
  flat.forEach((value) => assertAlmostEquals(value, -0.5, 1e-6));
});

Deno.test("the companion's input leaves out the pixels beside the middle square", () => {
  const [height, width] = [128, 512];
  const middle = picture(height, height);
  const data = new Uint8Array(height * width * 3).fill(255);
  for (let y = 0; y < height; y++) {
    const row = middle.data.subarray(y * height * 3, (y + 1) * height * 3);
    data.set(row, (y * width + 192) * 3);
  }
  const wide = inceptionInput(
    { height, width, channels: 3, data },
    "companion",
  );
  const square = inceptionInput(middle, "companion");
  const border = 4; // next to the cut, white pixels weigh in
  let apart = 0;
  for (let i = 0; i < square.data.length; i++) {
    const x = i % 299;
    if (x < border || x >= 299 - border) continue;
    apart = Math.max(apart, Math.abs(square.data[i] - wide.data[i]));
  }
  assert(apart < 1e-6, `${apart}`);
});

Deno.test("the companion's input cuts an odd margin as torchvision does: half a column rounds to even", () => {
  const [height, width] = [512, 517]; // a margin of 5: 2 columns before; rounding up would take 3
  const data = Uint8Array.from(
    { length: height * width * 3 },
    (_, i) => Math.floor(i / 3) % width < 2 ? 0 : 255,
  );
  const wide = { height, width, channels: 3, data };
  const input = inceptionInput(wide, "companion");
  assertEquals(input.data.every((value) => value === 1), true);
  for (let i = 0; i < data.length; i += 3 * width) data.fill(0, i, i + 9);
  assertEquals(inceptionInput(wide, "companion").data[0] < 1, true);
});

Deno.test("every convention keeps a grey picture grey", () => {
  const grey = {
    height: 30,
    width: 20,
    channels: 3,
    data: new Uint8Array(1800).fill(200),
  };
  for (const convention of fidConventions) {
    const { data } = inceptionInput(grey, convention);
    const isCentred = convention === "clean-fid" || convention === "adm";
    const expected = isCentred ? 72 / 128 : 400 / 255 - 1;
    data.forEach((value) => assertAlmostEquals(value, expected, 1e-5));
  }
});

Deno.test("the evaluator of ADM interpolates between the corners of pixels, as TensorFlow 1 does", async () => {
  const own = picture(64, 256);
  const expected = await interpolated(own, "asymmetric");
  const { data } = inceptionInput(own, "adm");
  data.forEach((value, i) =>
    assertAlmostEquals(value, (expected[i] - 128) / 128, 1e-4)
  );
});
