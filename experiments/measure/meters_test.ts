import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { randomWeights } from "@dip-go/core/models";
import { rgbImage, writePng } from "@dip-go/core/pictures";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, type Tensor, unstacked } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import {
  cosine,
  frechetDistance,
  inceptionParameters,
  loadLpips,
  lpipsGraph,
  lpipsParameters,
  normalOf,
  openContrastivePair,
  type SetValue,
  statisticsOf,
} from "@dip-go/eval/metrics";
import { openPictureFeatures } from "@dip-go/zoo/classifiers";
import { referencePictures } from "@dip-go/zoo/data";
import { inTemporaryFolder } from "@dip-go/testing/files";
import type { RowMetrics } from "../results/measured_row.ts";
import { isPaired, type MetricRecord } from "../schema/metric_records.ts";
import { type MeasuredPictures, Meters } from "./meters.ts";
import type { SampledBatch, SampledSet } from "./sampled_sets.ts";

const pair = "zoo/models/scenes-clip";
const classifier = "zoo/models/shapes-classifier";

/** A set that is in memory, as one batch. */
const setOf = (batch: SampledBatch): SampledSet => ({
  count: batch.images.shape[0],
  async *batches() {
    yield await Promise.resolve(batch);
  },
});

/** The values of all records in order; without `full`, of the records that do not compare with it. */
async function valuesOf(
  metrics: readonly MetricRecord[],
  pictures: MeasuredPictures,
) {
  await using meters = new Meters(metrics, { device: "cpu" });
  const values: RowMetrics[] = [];
  for (const record of metrics) {
    if (record.kind === "file-size") continue;
    if (!pictures.full && isPaired(record)) continue;
    values.push(await meters.measureRecord(record, pictures));
  }
  return Object.assign({}, ...values) as RowMetrics;
}

/** The values of the records for images in memory. */
async function measured(
  metrics: readonly MetricRecord[],
  images: Tensor<"float32">,
  { full, subjects = [] }: {
    full?: Tensor<"float32">;
    subjects?: readonly string[];
  } = {},
) {
  const pictures = setOf({ images });
  const others = full ? { full: setOf({ images: full }) } : {};
  return await valuesOf(metrics, { pictures, subjects, ...others });
}

/** Pictures with noise on them. */
function noisy(
  { shape, data }: Tensor<"float32">,
  amount: number,
): Tensor<"float32"> {
  const { data: noise } = new TorchGenerator(3).randn(shape);
  return float32(shape, data.map((x, i) => x + amount * noise[i]));
}

Deno.test("psnr and ssim are a value a pair, and finite for equal images", async () => {
  const images = float32([2, 1, 1, 2], [0, 0, 1, -1]);
  const full = float32([2, 1, 1, 2], [0.2, 0.2, 1, -1]);
  const records = [{ kind: "psnr" }, { kind: "ssim" }] as const;
  const values = await measured(records, images, { full });
  const [psnr, ssim] = [values.psnr, values.ssim] as number[][];
  assertAlmostEquals(psnr[0], 20, 1e-5); // 10 log10(2² / 0.2²)
  assertEquals(psnr[1], 100);
  assert(ssim[0] < 1);
  assertAlmostEquals(ssim[1], 1, 1e-12);
});

Deno.test("latent-mse compares latents, a value a pair, and refuses pictures without latents", async () => {
  const images = float32([2, 3, 1, 1], [0, 0, 0, 1, 1, 1]);
  const set = (...values: number[]) =>
    setOf({ images, latents: float32([2, 1, 1, 2], values) });
  const metrics = [{ kind: "latent-mse" }] as const;
  const found = await valuesOf(metrics, {
    pictures: set(1, 2, 3, 4),
    full: set(1, 2, 0, 5),
    subjects: [],
  });
  assertEquals(found, { "latent-mse": [0, 5] }); // (3² + 1²) / 2
  await assertRejects(
    () => measured(metrics, images, { full: images }),
    Error,
    "Cannot measure latent-mse: Cannot compare latents",
  );
});

Deno.test("the values of a set do not depend on its batches", async () => {
  const images = referencePictures("scenes", { count: 5, seed: 6 });
  const full = noisy(images, 0.2);
  const batched = (all: Tensor<"float32">, sizes: readonly number[]) => ({
    count: 5,
    async *batches() {
      let at = 0;
      const [, ...shape] = all.shape;
      const size = all.data.length / 5;
      for (const n of sizes) {
        const data = all.data.subarray(at * size, (at += n) * size);
        yield await Promise.resolve({ images: float32([n, ...shape], data) });
      }
    },
  });
  const metrics: MetricRecord[] = [
    { kind: "psnr" },
    { kind: "ssim" },
    { kind: "clip-score (shapes)", pair },
    {
      kind: "fid (shapes)",
      classifier: "zoo/models/scenes-classifier",
      reference: "full-model",
    },
  ];
  const subjects = ["a", "b", "c", "d", "e"];
  const of = (sizes: readonly number[], others = sizes) =>
    valuesOf(metrics, {
      pictures: batched(images, sizes),
      full: batched(full, others),
      subjects,
    });
  assertEquals(await of([2, 2, 1]), await of([5]));
  await assertRejects(
    () => of([5], [2, 3]),
    Error,
    "found a batch of [5,3,64,64] beside [2,3,64,64], expected the same pairs",
  );
});

Deno.test("the full model has values of the records that do not compare with it, in their order", async () => {
  const images = referencePictures("shapes", { count: 30, seed: 4 });
  const shapes = { kind: "fid (shapes)", classifier } as const;
  const records: MetricRecord[] = [
    { ...shapes, reference: "full-model" },
    { ...shapes, reference: "rendered" },
    { kind: "psnr" },
  ];
  assertEquals(Object.keys(await measured(records, images)), ["fid (shapes)"]);
  const rows = await measured(records, noisy(images, 0.1), { full: images });
  assertEquals(Object.keys(rows), [
    "fid (shapes)_full",
    "fid (shapes)",
    "psnr",
  ]);
});

Deno.test("fid (shapes) is the distance between the classifier's features, and grows with noise", async () => {
  const images = referencePictures("shapes", { count: 60, seed: 4 });
  const record = {
    kind: "fid (shapes)",
    classifier,
    reference: "full-model",
  } as const;
  const values: SetValue[] = [];
  for (const amount of [0, 0.1, 0.4]) {
    const metrics = await measured([record], noisy(images, amount), {
      full: images,
    });
    values.push(metrics["fid (shapes)_full"] as SetValue);
  }
  assertAlmostEquals(values[0].mean, 0, 1e-6);
  assert(values[2].mean > 2 * values[1].mean && values[1].mean > 1e-3);
  const { n, low, mean, high } = values[2];
  assertEquals(n, 60);
  assert(low! < mean && mean < high!);
  await using features = await openPictureFeatures(classifier);
  const [a, b] = await Promise.all(
    [images, noisy(images, 0.4)].map(async (x) =>
      normalOf(statisticsOf(await features.of(x)))
    ),
  );
  assertAlmostEquals(mean, frechetDistance(a, b), 1e-6 * mean);
  const rendered = { ...record, reference: "rendered" } as const;
  const fresh = await measured([rendered], images);
  const spoilt = await measured([rendered], noisy(images, 0.4));
  const name = "fid (shapes)";
  assert(
    (spoilt[name] as SetValue).mean > 3 * (fresh[name] as SetValue).mean,
  );
});

Deno.test("prompt-accuracy and clip-score (shapes) follow from the cosines of the embedded pair", async () => {
  const images = referencePictures("scenes", { count: 4, seed: 6 });
  const subjects = ["a red circle", "a blue star", "a cyan ring", "a cross"];
  const { prompt, "clip-score (shapes)": score } = await measured(
    [{ kind: "prompt-accuracy", pair }, { kind: "clip-score (shapes)", pair }],
    images,
    { subjects },
  ) as Record<string, readonly number[]>;
  await using own = await openContrastivePair(pair);
  const texts = await own.texts(subjects);
  const pictures = await own.pictures(images);
  pictures.forEach((picture, i) => {
    const cosines = texts.map((text) => cosine(text, picture));
    assertAlmostEquals(score[i], Math.max(0, 100 * cosines[i]), 1e-5);
    assertEquals(prompt[i], cosines[i] === Math.max(...cosines) ? 1 : 0);
  });
});

Deno.test("lpips is the network's distance, picture by picture", () =>
  inTemporaryFolder(async (folder) => {
    const config = { net: "alex", narrow: 1 } as const;
    const { backbone, linear } = lpipsParameters(config);
    const source = randomWeights(5);
    const written = async (
      name: string,
      shapes: ReadonlyMap<string, readonly number[]>,
    ) => {
      const path = `${folder}/${name}.safetensors`;
      await writeSafetensors(
        path,
        new Map([...shapes].map(([key, shape]) => [
          key,
          source(key, shape).data!,
        ])),
      );
      return path;
    };
    const paths = {
      backbone: await written("backbone", backbone),
      linear: await written("linear", linear),
    };
    const record = {
      kind: "lpips",
      net: "alex",
      backbone: paths.backbone,
      weights: paths.linear,
    } as const;
    const full = new TorchGenerator(1).randn([2, 3, 40, 40]);
    const images = noisy(full, 0.5);
    const { lpips } = await measured([record], images, { full });
    await using session = await openSession(
      lpipsGraph(config, loadLpips(config, paths), {
        batch: 2,
        height: 40,
        width: 40,
      }),
    );
    const { distances } = await session.run({ x: images, y: full });
    (lpips as readonly number[]).forEach((value, i) =>
      assertAlmostEquals(value, Number(distances.data[i]), 1e-6)
    );
    assertEquals((lpips as readonly number[]).length, 2);
    const small = referencePictures("shapes", { count: 1, seed: 1 });
    await assertRejects(
      () => measured([record], small, { full: small }),
      Error,
      "Cannot measure lpips: Cannot build LPIPS with alex: pictures are 24x24",
    );
  }));

Deno.test("Inception's metrics compare with a folder of pictures, or with the full model's", () =>
  inTemporaryFolder(async (folder) => {
    const weights = `${folder}/inception.safetensors`;
    const source = randomWeights(5);
    await writeSafetensors(
      weights,
      new Map([...inceptionParameters()].map(([key, shape]) => {
        // small variances, so that a signal keeps its size
        const isVariance = key.endsWith("running_var");
        const tensor = isVariance
          ? float32(shape, new Float32Array(shape[0]).fill(0.1))
          : source(key, shape).data!;
        return [key, tensor];
      })),
    );
    const images = referencePictures("shapes", { count: 4, seed: 2 });
    await Deno.mkdir(`${folder}/pictures`);
    for (const [i, image] of unstacked(images).entries()) {
      await writePng(`${folder}/pictures/${i}.png`, { image: rgbImage(image) });
    }
    const record = {
      features: "inception-2015-12-05",
      weights,
      resize: "adm",
      reference: `${folder}/pictures`,
    } as const;
    const metrics: MetricRecord[] = [
      { ...record, kind: "precision-recall" },
      { ...record, kind: "kid" },
      { ...record, kind: "kid", reference: "full-model" },
    ];
    const full = referencePictures("shapes", { count: 4, seed: 9 });
    const found = await measured(metrics, images, { full });
    assertEquals(found.precision_adm, { mean: 1, n: 4 });
    assertEquals(found.recall_adm, { mean: 1, n: 4 });
    const [same, other] = [found.kid_adm, found.kid_adm_full] as SetValue[];
    assert(same.mean < other.mean, `${same.mean} ${other.mean}`);
  }));
