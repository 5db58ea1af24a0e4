import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, int64, sizeOf, type Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { evaluatePictures } from "../../evaluate_pictures.ts";
import { normalOfFeatures } from "../../sets/feature_statistics.ts";
import { frechetDistance } from "../../sets/frechet_distance.ts";
import { picturesOf } from "../../../pictures/picture_folder.ts";
import { inceptionParameters } from "./inception.ts";
import { openInceptionFeatures } from "./inception_features.ts";
import { type Picture, writePng } from "@dip-go/core/pictures";

const narrow = 16;

/** Writes random weights that keep a signal's size, with all keys of the published file. */
async function writeWeights(path: string, without?: string): Promise<void> {
  const random = new TorchGenerator(3);
  const tensors = new Map<string, Tensor>();
  for (const [key, shape] of inceptionParameters(narrow)) {
    const { data } = random.randn(shape);
    const scale = Math.sqrt(2 / sizeOf(shape.slice(1)));
    const isPositive = /running_var$|bn\.weight$/.test(key);
    const values = data.map((x) => isPositive ? 1 + 0.1 * x : scale * x);
    tensors.set(key, float32(shape, values));
    if (!key.endsWith("running_var")) continue;
    const counter = key.replace("running_var", "num_batches_tracked");
    tensors.set(counter, int64([], [5]));
  }
  tensors.set("fc.weight", random.randn([1008, 2048 / narrow]));
  tensors.set("fc.bias", random.randn([1008]));
  if (without) tensors.delete(without);
  await writeSafetensors(path, tensors);
}

const picture = (height: number, width: number): Picture => ({
  height,
  width,
  channels: 3,
  data: Uint8Array.from(
    { length: 3 * height * width },
    (_, i) => (i * i * 31) % 256,
  ),
});

Deno.test("Inception's features are read from a checkpoint with the published keys, a row for each picture", () =>
  inTemporaryFolder(async (folder) => {
    const path = `${folder}/inception.safetensors`;
    await writeWeights(path);
    await using inception = await openInceptionFeatures(path, { narrow });
    const pictures = [picture(20, 30), picture(40, 25)];
    const both = await inception.of(pictures, "adm");
    assertEquals(both.pooled.shape, [2, 2048 / narrow]);
    assertEquals(both.spatial.shape, [2, 2023]);
    const second = await inception.of(pictures.slice(1), "adm");
    assertEquals(second.pooled.data, both.pooled.data.slice(2048 / narrow));
    const other = await inception.of(pictures.slice(1), "pytorch-fid");
    assert(other.pooled.data.some((x, i) => x !== second.pooled.data[i]));
    await assertRejects(
      () => inception.of([], "adm"),
      RangeError,
      "no picture",
    );
    const saved = `${folder}/pictures`;
    await Deno.mkdir(saved);
    for (const [i, image] of pictures.entries()) {
      await writePng(`${saved}/${i}.png`, { image });
    }
    const { fid } = await evaluatePictures(saved, {
      reference: "testdata/jpeg",
      metrics: ["fid"],
      features: { weights: path, resize: "adm", narrow },
    });
    const theirs = await inception.of(picturesOf("testdata/jpeg"), "adm");
    const [a, b] = [both, theirs].map(({ pooled }) => normalOfFeatures(pooled));
    assertAlmostEquals(fid.mean, frechetDistance(a, b), 1e-6 * fid.mean);
    const missing = "Mixed_7c.branch_pool.bn.running_mean";
    await writeWeights(path, missing);
    await assertRejects(
      () => openInceptionFeatures(path, { narrow }),
      RangeError,
      `tensor "${missing}" is missing`,
    );
  }));
