import { assert } from "@std/assert";
import {
  autoencoderKind,
  encoderBlockGraph,
  loadComponent,
  wholeGraph,
} from "@dip-go/core/models";
import { openPictureDecoder } from "@dip-go/core/pipeline";
import { openSession } from "@dip-go/core/runtime";
import { float32 } from "@dip-go/core/tensor";
import { psnr } from "@dip-go/eval/metrics";
import { drawScene, renderScenes } from "../data/scenes.ts";
import { latentSize } from "./scenes_vae.ts";
import { SplitMix32 } from "../data/uniform.ts";

Deno.test("the shipped autoencoder rebuilds fresh scenes, from latents of unit deviation", async () => {
  const folder = new URL("../models/scenes-vae", import.meta.url).pathname;
  const autoencoder = await loadComponent(folder, autoencoderKind);
  const { config: { scalingFactor, latentChannels }, weights } = autoencoder;
  const batch = 32;
  const { uniform } = new SplitMix32(77);
  const scenes = Array.from({ length: batch }, () => drawScene(uniform));
  const image = renderScenes(scenes, uniform);
  const size = { batch, height: latentSize, width: latentSize };
  const graph = encoderBlockGraph(autoencoder.config, weights, size);
  await using encoder = await openSession(wholeGraph(graph));
  const moments = (await encoder.run({ image })).moments.data as Float32Array;
  const half = latentChannels * latentSize ** 2;
  const latents = moments.filter((_, i) => i % (2 * half) < half)
    .map((mean) => scalingFactor * mean);
  const shape = [latentChannels, latentSize, latentSize];
  await using decoder = await openPictureDecoder(autoencoder, shape);
  const rebuilt = await decoder.decode(float32([batch, ...shape], latents));
  const values = psnr(rebuilt, image, { dataRange: 2 });
  const mean = values.reduce((a, b) => a + b) / batch;
  assert(mean > 29, `PSNR ${mean}`);
  const square = latents.reduce((sum, x) => sum + x * x, 0) / latents.length;
  assert(Math.abs(Math.sqrt(square) - 1) < 0.15, `squared deviation ${square}`);
});
