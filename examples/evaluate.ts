/**
 * Evaluates a folder of pictures against another: PSNR and SSIM of pictures of
 * the same name, and the Fréchet distance between the sets in the features of an
 * embedded classifier, which would be FID with the features of Inception.
 *
 *     deno run --allow-ffi --allow-read examples/evaluate.ts pruned full
 */
import { evaluatePictures } from "@dip-go/eval";
import { openPictureFeatures } from "@dip-go/zoo/classifiers";

const [folder, reference] = Deno.args;

await using features = await openPictureFeatures(
  "zoo/models/scenes-classifier",
);
const values = await evaluatePictures(folder, {
  reference,
  features,
  metrics: ["psnr", "ssim", "fid"],
});
for (const [metric, { mean, low, high, n }] of Object.entries(values)) {
  const interval = low === undefined
    ? ""
    : ` [${low.toFixed(3)}, ${high!.toFixed(3)}]`;
  console.log(`${metric}: ${mean.toFixed(3)}${interval} of ${n} pictures`);
}
