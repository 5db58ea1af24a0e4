import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { float32, stacked, type Tensor, unstacked } from "@dip-go/core/tensor";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { imageOf, rgbImage, writePng } from "@dip-go/core/pictures";
import {
  evaluatePictures,
  type EvaluationOptions,
  type FeatureNetwork,
} from "./evaluate_pictures.ts";
import type { ContrastivePair } from "./networks/clip/contrastive_pair.ts";
import { psnr } from "./psnr.ts";
import { normalOfFeatures } from "./sets/feature_statistics.ts";
import { frechetDistance } from "./sets/frechet_distance.ts";
import { kernelDistance } from "./sets/kernel_distance.ts";
import { picturesOf } from "../pictures/picture_folder.ts";
import { precisionRecall } from "./sets/precision_recall.ts";
import { readReference } from "./sets/reference_statistics.ts";
import { ssim } from "./ssim.ts";

const side = 12;
const count = 24;

/** Random pictures `[24, 3, 12, 12]`, rounded to 8 bits so that files keep them. */
function drawn(seed: number): Tensor<"float32"> {
  const { shape, data } = new TorchGenerator(seed).randn([
    count,
    3,
    side,
    side,
  ]);
  const noise = float32(shape, data.map((x) => x / 3 + seed / 10));
  return stacked(unstacked(noise).map((each) => imageOf(rgbImage(each))));
}

const [samples, references] = [drawn(1), drawn(2)];

/** The mean colour of each picture: three numbers. */
const colours = (images: Tensor<"float32">): Tensor<"float32"> => {
  const means = unstacked(images).flatMap((image) =>
    unstacked(image).map(({ data }) =>
      data.reduce((sum, x) => sum + x) / data.length
    )
  );
  return float32([images.shape[0], 3], means);
};
const features: FeatureNetwork = {
  of: (images) => Promise.resolve(colours(images)),
};

async function written(folder: string, images: Tensor<"float32">, first = 10) {
  await Deno.mkdir(folder);
  for (const [i, image] of unstacked(images).entries()) {
    await writePng(`${folder}/${first + i}.png`, { image: rgbImage(image) });
  }
  return folder;
}

/** Evaluates samples against references, by default the two sets above. */
const evaluated = (
  options: Partial<EvaluationOptions>,
  { first = 10, own = samples } = {},
) =>
  inTemporaryFolder(async (root) => {
    const folder = await written(`${root}/own`, own);
    const reference = await written(`${root}/reference`, references, first);
    return await evaluatePictures(folder, { reference, ...options });
  });

const mean = (values: readonly number[]) =>
  values.reduce((sum, x) => sum + x) / values.length;

Deno.test("evaluatePictures() pairs pictures by name, and compares sets by features", async () => {
  const metrics = ["psnr", "ssim", "fid", "kid", "precision-recall"] as const;
  const values = await evaluated({ metrics, features });
  const pairs = [samples, references] as const;
  assertAlmostEquals(
    values.psnr.mean,
    mean(psnr(...pairs, { dataRange: 2 })),
    1e-9,
  );
  assertAlmostEquals(
    values.ssim.mean,
    mean(ssim(...pairs, { dataRange: 2, padding: "same_zero_pad" })),
    1e-9,
  );
  const [a, b] = pairs.map(colours);
  assertAlmostEquals(
    values.fid.mean,
    frechetDistance(normalOfFeatures(a), normalOfFeatures(b)),
    1e-9,
  );
  assertAlmostEquals(values.kid.mean, kernelDistance(a, b).mean, 1e-9);
  const { precision, recall } = precisionRecall(b, a);
  assertEquals([values.precision.mean, values.recall.mean], [
    precision,
    recall,
  ]);
  for (const { mean, low, high, n } of Object.values(values)) {
    assert(low! <= mean && mean <= high! && n === count);
  }
});

Deno.test("evaluatePictures() measures all that it can by default: pairs by PSNR and SSIM, features by FID", async () => {
  assertEquals(Object.keys(await evaluated({})), ["psnr", "ssim"]);
  assertEquals(Object.keys(await evaluated({ features })), [
    "psnr",
    "ssim",
    "fid",
  ]);
  assertEquals(Object.keys(await evaluated({ features }, { first: 11 })), [
    "fid",
  ]);
  const { psnr, ssim } = await evaluated({}, { own: references });
  assertEquals([psnr.mean, ssim.mean], [100, 1]);
});

Deno.test("evaluatePictures() holds a folder against published statistics", async () => {
  const reference = "testdata/npz/reference.npz";
  const { fid } = await evaluated({ reference, features });
  const normal = await readReference(reference, "pooled");
  assertAlmostEquals(
    fid.mean,
    frechetDistance(normalOfFeatures(colours(samples)), normal),
    1e-9,
  );
});

Deno.test("evaluatePictures() computes the statistics of pictures in an archive", async () => {
  const reference = "testdata/npz/pictures.npz";
  const metrics = ["fid", "kid"] as const;
  const { fid, kid } = await evaluated({ reference, features, metrics });
  const pictures = await Array.fromAsync(picturesOf(reference));
  const theirs = colours(stacked(pictures.map(imageOf)));
  const own = normalOfFeatures(colours(samples));
  assertAlmostEquals(
    fid.mean,
    frechetDistance(own, normalOfFeatures(theirs)),
    1e-9,
  );
  assertAlmostEquals(kid.mean, kernelDistance(colours(samples), theirs).mean);
});

Deno.test("evaluatePictures() compares statistics with statistics, and statistics with pictures", async () => {
  const archive = "testdata/npz/reference.npz";
  const { fid } = await evaluatePictures(archive, { reference: archive });
  assertEquals(fid.n, 0);
  assertAlmostEquals(fid.mean, 0, 1e-6);
  await inTemporaryFolder(async (root) => {
    const reference = await written(`${root}/own`, samples);
    const options = { features, metrics: ["fid"] as const };
    const a = await evaluatePictures(archive, { ...options, reference });
    const b = await evaluatePictures(reference, {
      ...options,
      reference: archive,
    });
    assertEquals(a, b);
  });
  await assertRejects(
    () => evaluatePictures(archive, { reference: archive, metrics: ["kid"] }),
    TypeError,
    "kid needs features",
  );
});

Deno.test("evaluatePictures() scores pictures with their prompts", async () => {
  // The features are colours: the score says how much of the prompt's colour a picture has.
  const axes = ["red", "green", "blue"];
  const pair = {
    texts: (texts: readonly string[]) =>
      Promise.resolve(
        texts.map((text) =>
          Float32Array.from(axes, (axis) => text === axis ? 1 : 0)
        ),
      ),
    pictures: (images: Tensor<"float32">) =>
      Promise.resolve(unstacked(colours(images)).map(({ data }) => data)),
  } as unknown as ContrastivePair;
  const prompts = Array.from({ length: count }, (_, i) => axes[i % 3]);
  const { "clip-score": score, ...rest } = await evaluated({
    reference: undefined,
    clip: { pair, prompts },
  });
  assertEquals([Object.keys(rest).length, score.n], [0, count]);
  const expected = unstacked(colours(samples)).map(({ data }, i) =>
    Math.max(0, 100 * data[i % 3] / Math.hypot(...data))
  );
  assertAlmostEquals(score.mean, mean(expected), 1e-4);
  await assertRejects(
    () => evaluated({ clip: { pair, prompts: ["red"] } }),
    TypeError,
    "found 1 prompts for 24 pictures, expected one for each",
  );
});

Deno.test("evaluatePictures() names the input that a metric lacks", async () => {
  const refused = (
    message: string,
    options: Partial<EvaluationOptions>,
    first?: number,
  ) => assertRejects(() => evaluated(options, { first }), TypeError, message);
  await refused("reference has no 10.png, which psnr needs", {
    metrics: ["psnr"],
  }, 11);
  await refused("no metric is asked for, and ", {}, 11);
  await refused('"PSNR" is no metric, expected any of psnr, ssim', {
    metrics: ["PSNR" as "psnr"],
  });
  const none = { reference: undefined };
  await refused("no metric is asked for, and there is no reference", none);
  await refused("there is no reference, which ssim needs", {
    ...none,
    metrics: ["ssim"],
  });
  const unwanted = () => {
    throw new Error("a picture was measured before the inputs were checked");
  };
  const unseen = {
    lpips: { distances: unwanted },
    clip: { pair: { pictures: unwanted }, prompts: ["a"] },
  } as unknown as Partial<EvaluationOptions>;
  await refused("fid needs features", { ...unseen, metrics: ["lpips", "fid"] });
  await refused("found 1 prompts for 24 pictures", {
    ...unseen,
    metrics: ["lpips", "clip-score"],
  });
  await refused("lpips needs its network", { metrics: ["lpips"] });
  await refused("sfid needs Inception's features", {
    metrics: ["sfid"],
    features,
  });
  const reference = "testdata/npz/reference.npz";
  await refused("kid needs pictures, found testdata/npz", {
    metrics: ["kid"],
    features,
    reference,
  });
});
