import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inTinyPipeline } from "@dip-go/testing/models";
import type { LoadedModel } from "../../models/load.ts";
import type { Picture } from "../../pictures/picture.ts";
import { parseSchedulerConfig } from "../../samplers/mod.ts";
import { joined, stacked, unstacked } from "../../tensor/batch.ts";
import { TorchGenerator } from "../../tensor/random.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { loadAutoencoder, openPictureDecoder } from "../picture_decoder.ts";
import { loadPipeline, Pipeline } from "../pipeline.ts";
import type { SamplerOptions } from "../sampler_options.ts";
import { encodePicture } from "./picture_encoder.ts";
import { pictureInput } from "./picture_input.ts";

const size = { height: 32, width: 24 };

const pictureOf = (byte: (i: number) => number): Picture => ({
  ...size,
  channels: 3,
  data: Uint8Array.from({ length: 3 * 32 * 24 }, (_, i) => byte(i)),
});
const image = pictureOf((i) => (i * i * 7 + i * 31) % 256);
const dark = pictureOf(() => 0);
/** A mask that is bright in its upper half. */
const half = pictureOf((i) => i < 3 * 16 * 24 ? 255 : 0);

async function finalOf(
  latents: AsyncGenerator<Tensor<"float32">>,
): Promise<Float32Array> {
  return (await latents.next()).value!.data;
}

Deno.test("the part outside a mask stays, with a network that reads no mask", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const pipeline = await loadPipeline(folder);
    const drawn = async (mask: Picture) => {
      const sampler = pipeline.sampler({
        ...size,
        steps: 2,
        guidanceScale: 1,
        start: { image, mask },
      });
      await using drawing = sampler.open();
      return await finalOf(drawing.latents("b c", { seed: 3 }));
    };
    const autoencoder = await loadAutoencoder(folder);
    const likely = await encodePicture(autoencoder, pictureInput(image, size));
    const { data: kept } = likely(new TorchGenerator(3));
    assertEquals(await drawn(dark), kept);
    const changed = await drawn(half);
    const rows = 4 * 3; // latents are 4 rows of 3
    kept.forEach((value, i) =>
      assertEquals(changed[i] === value, i % rows >= rows / 2)
    );
  });
});

Deno.test("latents are freed of their channels' statistics, and get them back", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const plain = await loadAutoencoder(folder);
    const [mean, deviation] = [[0.1, -0.2, 0.3, 0], [0.9, 1.1, 1.2, 0.8]];
    const statistics = { mean, deviation };
    const own = { ...plain, config: { ...plain.config, statistics } };
    const encoded = async (autoencoder: typeof plain) => {
      const likely = await encodePicture(
        autoencoder,
        pictureInput(image, size),
      );
      return likely(new TorchGenerator(3));
    };
    const [raw, freed] = [await encoded(plain), await encoded(own)];
    const { scalingFactor } = plain.config;
    freed.data.forEach((value, i) => {
      const channel = Math.floor(i / (4 * 3));
      const expected = (raw.data[i] - scalingFactor * mean[channel]) /
        deviation[channel];
      assert(Math.abs(value - expected) < 1e-5);
    });
    const decoded = async (autoencoder: typeof plain, latents: typeof raw) => {
      const shape = latents.shape.slice(1);
      await using decoder = await openPictureDecoder(autoencoder, shape);
      return (await decoder.decode(latents)).data;
    };
    const back = await decoded(own, freed);
    (await decoded(plain, raw)).forEach((value, i) =>
      assert(Math.abs(back[i] - value) < 1e-4)
    );
  });
});

Deno.test("latents have their channels' statistics in SDXL's pipelines alone, as in diffusers", async () => {
  const kinds = [
    "StableDiffusionXLPipeline",
    "StableDiffusionPipeline",
  ] as const;
  for (const kind of kinds) {
    await inTinyPipeline(kind, async (folder) => {
      const file = `${folder}/vae/config.json`;
      const [latents_mean, latents_std] = [[1, 2, 3, 4], [5, 6, 7, 8]];
      const config = JSON.parse(await Deno.readTextFile(file));
      const own = { ...config, latents_mean, latents_std };
      await Deno.writeTextFile(file, JSON.stringify(own));
      const autoencoder = await (await loadPipeline(folder)).autoencoder();
      const expected = kind === kinds[0]
        ? { mean: latents_mean, deviation: latents_std }
        : undefined;
      assertEquals(autoencoder!.config.statistics, expected);
    });
  }
});

Deno.test("pictures with a seed each start as each alone, at the size of the picture", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const pipeline = await loadPipeline(folder);
    const start = { image, strength: 0.5 };
    const options = { steps: 4, guidanceScale: 2, start };
    const sampler = pipeline.sampler(options);
    assertEquals(sampler.latents, [4, 4, 3]);
    assertEquals(sampler.calls, 3); // PNDM's last two of four steps, and one again
    await using drawing = sampler.open();
    const both = await finalOf(
      drawing.latents(["b", "b"], { seed: [3, 4] }),
    );
    const second = await finalOf(drawing.latents("b", { seed: [4] }));
    second.forEach((value, i) =>
      assert(Math.abs(both[second.length + i] - value) < 1e-5)
    );
    assert(Math.abs(both[0] - second[0]) > 1e-3);
  });
});

Deno.test("a network that reads a mask needs one, and classes start from noise", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const loaded = await loadPipeline(folder);
    const config = { ...loaded.model.config, inpaints: true };
    const model = { ...loaded.model, config } as LoadedModel;
    const pipeline = new Pipeline({ ...loaded, model });
    await assertRejects(
      () => pipeline.sampler({ steps: 2 }).openConditioner(),
      RangeError,
      "its network draws parts of pictures anew, expected a picture",
    );
  });
  const dit = await loadPipeline("zoo/models/dit-shapes");
  assertThrows(
    () => dit.sampler({ start: { image } }),
    TypeError,
    "Cannot start zoo/models/dit-shapes from a picture: pipelines of its kind",
  );
});

Deno.test("a pipeline goes on where another one ended", async () => {
  await inTinyPipeline("StableDiffusionPipeline", async (folder) => {
    const pipeline = await loadPipeline(folder);
    const scheduler = parseSchedulerConfig({
      _class_name: "DDIMScheduler",
      clip_sample: false,
    }, "test");
    const options = { ...size, scheduler, steps: 5, guidanceScale: 1 };
    const drawn = async (more: SamplerOptions) => {
      const sampler = pipeline.sampler({ ...options, ...more });
      await using drawing = sampler.open();
      const latents = drawing.latents(["b", "c"], { seed: 3, batch: 1 });
      const all = await Array.fromAsync(latents);
      return { calls: sampler.calls, latents: joined(all) };
    };
    const whole = await drawn({});
    const begun = await drawn({ until: 0.6 });
    const start = { latents: begun.latents, from: 0.6 };
    const ended = await drawn({ start });
    assertEquals([whole.calls, begun.calls, ended.calls], [5, 3, 2]);
    assertEquals(ended.latents, whole.latents);
    const [first] = unstacked(begun.latents);
    await assertRejects(
      () => drawn({ start: { ...start, latents: stacked([first]) } }),
      RangeError,
      "found 1 of them, expected one for each picture",
    );
  });
});
