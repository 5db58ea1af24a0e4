import {
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  float32,
  roundHalfEven,
  type Tensor,
  zeros,
} from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { clipPixels, readClipPreprocessing } from "./clip_preprocessing.ts";

/** OpenAI's preprocessing, with this project's names. */
const openai = {
  shortest: 224,
  crop: 224,
  round: Math.floor,
  filter: "bicubic",
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

/** `[H, W, 3]` in 8 bits → `[3, H, W]` in [-1, 1]. */
function pictureOf({ shape, data }: Tensor): Tensor<"float32"> {
  const [height, width] = shape;
  const plane = height * width;
  const picture = new Float32Array(3 * plane);
  data.forEach((byte: unknown, i: number) => {
    picture[(i % 3) * plane + Math.floor(i / 3)] = Number(byte) / 127.5 - 1;
  });
  return float32([3, height, width], picture);
}

Deno.test("clipPixels() are Pillow's resized and cropped bytes, normalised", () => {
  const path =
    new URL("../../../../testdata/metrics/case.safetensors", import.meta.url)
      .pathname;
  const recorded = openSafetensors(path);
  const name = "resize.100x150_to_224x336_bicubic";
  const picture = pictureOf(recorded.read(`${name}.in`));
  const cropped = recorded.read(`${name}.out_crop224`);
  const { shape, data } = clipPixels(picture, openai);
  assertEquals(shape, [1, 3, 224, 224]);
  data.forEach((value, i) => {
    const [channel, at] = [Math.floor(i / 224 ** 2), i % 224 ** 2];
    const byte = Number(cropped.data[3 * at + channel]);
    const expected = (byte / 255 - openai.mean[channel]) / openai.std[channel];
    assertAlmostEquals(value, expected, 1e-6);
  });
});

Deno.test("clipPixels() cuts an odd margin as transformers and as open_clip do", () => {
  const margin = 7; // of columns; halves to 3.5
  const row = Float32Array.from(
    { length: 3 * 4 * (4 + margin) },
    (_, i) => i % (4 + margin) / 127.5 - 1,
  );
  const picture = float32([3, 4, 4 + margin], row);
  const plain = { ...openai, shortest: 4, crop: 4, mean: [0, 0, 0] };
  for (const [round, first] of [[Math.floor, 3], [roundHalfEven, 4]] as const) {
    const { data } = clipPixels(picture, { ...plain, std: [1, 1, 1], round });
    assertAlmostEquals(data[0], first / 255, 1e-6);
  }
});

Deno.test("clipPixels() refuses a picture into which the crop does not fit", () => {
  assertThrows(
    () => clipPixels(zeros([3, 8, 8]), { ...openai, shortest: 200 }),
    RangeError,
    "resized it is 200x200, expected at least 224x224",
  );
});

const json = {
  crop_size: { height: 224, width: 224 },
  do_center_crop: true,
  do_normalize: true,
  do_resize: true,
  image_mean: openai.mean,
  image_std: openai.std,
  resample: 3,
  size: { shortest_edge: 224 },
};

const read = (change: Record<string, unknown>) =>
  inTemporaryFolder(async (folder) => {
    const file = `${folder}/preprocessor_config.json`;
    await Deno.writeTextFile(file, JSON.stringify({ ...json, ...change }));
    return await readClipPreprocessing(folder);
  });

Deno.test("readClipPreprocessing() knows sides as objects and as numbers", async () => {
  for (const change of [{}, { size: 224, crop_size: 224 }]) {
    assertEquals(await read(change), openai);
  }
});

Deno.test("readClipPreprocessing() refuses other preprocessing, naming the key", async () => {
  const refusals: [Record<string, unknown>, string][] = [
    [{ resample: 1 }, '"resample" is 1, expected 2 or 3'],
    [{ do_center_crop: false }, '"do_center_crop" is false'],
    [{ image_std: [1, 2] }, '"image_std" is [1,2], expected three numbers'],
    [{ size: { longest_edge: 3 } }, '"shortest_edge" is nothing'],
    [{ size: { height: 224, width: 224 } }, '"shortest_edge" is nothing'],
    [{ crop_size: { height: 224, width: 200 } }, '"width" is 200'],
    [{ rescale_factor: 1 }, '"rescale_factor" is 1'],
    [{ do_flip: true }, '"do_flip" is true, expected no key of that name'],
    [{ crop_size: 0 }, '"crop_size" is 0'],
  ];
  for (const [change, message] of refusals) {
    await assertRejects(() => read(change), TypeError, message);
  }
});

Deno.test("readClipPreprocessing() reads open_clip's configuration if it is the only one", () =>
  inTemporaryFolder(async (folder) => {
    const { mean, std } = openai;
    const write = (preprocess_cfg: Record<string, unknown>) =>
      Deno.writeTextFile(
        `${folder}/open_clip_config.json`,
        JSON.stringify({
          model_cfg: { vision_cfg: { image_size: 224 } },
          preprocess_cfg: { mean, std, ...preprocess_cfg },
        }),
      );
    await write({});
    const own = { ...openai, round: roundHalfEven };
    assertEquals(await readClipPreprocessing(folder), own);
    await write({ interpolation: "bicubic", resize_mode: "shortest" });
    assertEquals(await readClipPreprocessing(folder), own);
    await write({ resize_mode: "squash" });
    await assertRejects(
      () => readClipPreprocessing(folder),
      TypeError,
      `key "resize_mode" is "squash"`,
    );
  }));
