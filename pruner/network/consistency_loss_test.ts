import { assert, assertAlmostEquals } from "@std/assert";
import { autoencoderKind, loadComponent } from "@dip-go/core/models";
import { emitPictures, openPictureDecoder } from "@dip-go/core/pipeline";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, type Tensor } from "@dip-go/core/tensor";
import { gradientErrors } from "@dip-go/testing/operators";
import {
  type ConsistencyLoss,
  consistencyLossGraph,
} from "./consistency_loss.ts";

const shape = [2, 3, 13, 12];
const random = new TorchGenerator(4);
const image = random.rand(shape);
const reference = float32(
  shape,
  image.data.map((v, i) => 0.7 * v + 0.3 * ((i * 7919) % 101) / 101),
);

async function lossOf(
  kind: ConsistencyLoss,
  a: Tensor,
  b: Tensor,
): Promise<number> {
  await using session = await openSession(
    consistencyLossGraph(kind, { shape, dataRange: 1 }),
  );
  return (await session.run({ image: a, reference: b })).loss.data[0] as number;
}

/** SSIM by its definition: a loop over every window position of every channel. */
function ssimByDefinition(a: Float32Array, b: Float32Array): number {
  const [batch, channels, height, width] = shape;
  const weight = (d: number) => Math.exp(-(d * d) / 4.5);
  const total = Array.from({ length: 11 }, (_, i) => weight(i - 5)).reduce((
    p,
    q,
  ) => p + q);
  let sum = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let [ma, mb, aa, bb, ab] = [0, 0, 0, 0, 0];
        for (let dy = -5; dy <= 5; dy++) {
          for (let dx = -5; dx <= 5; dx++) {
            if (
              y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width
            ) continue;
            const at = (plane * height + y + dy) * width + x + dx;
            const w = weight(dy) * weight(dx) / (total * total);
            ma += w * a[at];
            mb += w * b[at];
            aa += w * a[at] * a[at];
            bb += w * b[at] * b[at];
            ab += w * a[at] * b[at];
          }
        }
        const [va, vb, c] = [aa - ma * ma, bb - mb * mb, ab - ma * mb];
        sum += (2 * ma * mb + 1e-4) * (2 * c + 9e-4) /
          ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4));
      }
    }
  }
  return sum / a.length;
}

Deno.test("consistencyLossGraph() gives L1, L2, -SSIM and their sum by definition", async () => {
  const d = image.data.map((v, i) => v - reference.data[i]);
  const l1 = d.reduce((s, v) => s + Math.abs(v), 0) / d.length;
  const l2 = d.reduce((s, v) => s + v * v, 0) / d.length;
  const ssim = ssimByDefinition(image.data, reference.data);
  assertAlmostEquals(await lossOf("l1", image, reference), l1, 1e-6);
  assertAlmostEquals(await lossOf("l2", image, reference), l2, 1e-6);
  assertAlmostEquals(await lossOf("ssim", image, reference), -ssim, 1e-5);
  assertAlmostEquals(
    await lossOf("l1+ssim", image, reference),
    l1 - ssim,
    1e-5,
  );
  assertAlmostEquals(await lossOf("ssim", image, image), -1, 1e-5);
});

Deno.test("consistencyLossGraph() has a gradient that agrees with central differences", async () => {
  const small = [2, 2, 11, 11]; // one window of each plane is whole
  const size = small.reduce((a, b) => a * b);
  const feeds = {
    image: float32(small, image.data.slice(0, size)),
    reference: float32(small, reference.data.slice(0, size)),
  };
  for (const kind of ["l2", "ssim"] as const) {
    const graph = consistencyLossGraph(kind, { shape: small, dataRange: 1 });
    const errors = await gradientErrors(graph, { feeds, wrt: ["image"] });
    assert(errors.image < 2e-2, `${kind}: ${errors.image}`);
  }
});

Deno.test("consistencyLossGraph() through a decoder compares the pictures of latents, and its gradient reaches the latents", async () => {
  const autoencoder = await loadComponent(
    new URL("../../testdata/vae", import.meta.url).pathname,
    autoencoderKind,
  );
  const size = [1, 4, 2, 2];
  const latents = new TorchGenerator(5).randn(size);
  const other = new TorchGenerator(6).randn(size);
  await using decoder = await openPictureDecoder(autoencoder, [4, 2, 2]);
  const [a, b] = [await decoder.decode(latents), await decoder.decode(other)];
  const l2 = a.data.reduce((sum, v, i) => sum + (v - b.data[i]) ** 2, 0) /
    a.data.length;
  const graph = consistencyLossGraph("l2", {
    shape: size,
    dataRange: 2,
    decode: (g, x) => emitPictures(g, x, autoencoder),
  });
  const feeds = { image: latents, reference: other };
  await using session = await openSession(graph);
  const { loss } = await session.run(feeds);
  assertAlmostEquals(loss.data[0] as number, l2, 1e-5 * l2);
  const errors = await gradientErrors(graph, { feeds, wrt: ["image"] });
  assert(errors.image < 2e-2, `${errors.image}`);
});
