import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { waves, waveWeights } from "@dip-go/testing/models";
import { parseAutoencoderConfig } from "../../models/autoencoder/autoencoder_config.ts";
import { openPictureDecoder } from "../picture_decoder.ts";
import { decoderBytes, isTooLarge } from "./decoder_memory.ts";

const config = parseAutoencoderConfig({
  _class_name: "AutoencoderKL",
  block_out_channels: [4, 8],
  down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
  up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  in_channels: 3,
  out_channels: 3,
  layers_per_block: 1,
  latent_channels: 2,
  norm_num_groups: 2,
  sample_size: 8,
  scaling_factor: 1,
}, "test");

/** Every 61st value that diffusers' tiled decoder makes of waves `[2, 7, 9]`. */
const recorded = [
  ...[-0.47574, -0.55427, -0.5595, -0.74139, -0.50128, 0.36098, -0.03424],
  ...[0.18087, 0.06563, 0.67119, 0.66549, 0.42589, 0.53714],
];

Deno.test("tiles are cut, decoded and blended as diffusers does", async () => {
  const shape = [2, 7, 9];
  const options = { tiling: true, threads: 1 };
  const autoencoder = { config, weights: waveWeights };
  await using decoder = await openPictureDecoder(autoencoder, shape, options);
  const latents = waves([1, ...shape]);
  const picture = await decoder.decode(latents);
  assertEquals(picture.shape, [1, 3, 14, 18]);
  recorded.forEach((x, i) => assertAlmostEquals(picture.data[61 * i], x, 2e-5));
});

Deno.test("a picture of one tile is decoded whole", async () => {
  const shape = [2, 4, 3];
  const autoencoder = { config, weights: waveWeights };
  const decoded = async (tiling: boolean) => {
    const options = { tiling, threads: 1 };
    await using decoder = await openPictureDecoder(autoencoder, shape, options);
    return await decoder.decode(waves([1, ...shape]));
  };
  assertEquals(await decoded(true), await decoded(false));
});

Deno.test("whole pictures are decoded up to half of the machine's memory", () => {
  assertEquals(decoderBytes(config, [2, 100, 50]), 6 * 4 * 8 * 200 * 100);
  assert(!isTooLarge(config, [2, 64, 64]));
  assert(isTooLarge(config, [2, 2 ** 20, 2 ** 20]));
});
