import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
} from "@std/assert";
import { zeros } from "@dip-go/core/tensor";
import { openSafetensors } from "@dip-go/core/weights";
import { loadPictureClassifier } from "./picture_classifier.ts";
import { openPictureFeatures } from "./picture_features.ts";
import { referencePictures } from "../data/reference_pictures.ts";
import { kindsShown } from "./scenes_judge.ts";
import { loadScenesClassifier } from "./scenes_judge.ts";
import { shapeHeads } from "./shapes_judge.ts";

const folder = (name: string) =>
  decodeURIComponent(new URL(`../models/${name}`, import.meta.url).pathname);

Deno.test("a classifier's logits are its head on its features", async () => {
  const path = folder("shapes-classifier");
  await using features = await openPictureFeatures(path);
  await using classifier = await loadPictureClassifier(path, shapeHeads);
  assertEquals(features.kind, "shapes");
  const pictures = referencePictures("shapes", { count: 3, seed: 5 });
  const { shape: [count, width], data } = await features.of(pictures);
  assertEquals(count, 3);
  const { shape } = await classifier.logits(pictures);
  const file = openSafetensors(`${path}/model.safetensors`);
  const weight = file.readFloat32("shape_head.weight").data;
  const bias = file.readFloat32("shape_head.bias").data;
  for (let picture = 0; picture < count; picture++) {
    bias.forEach((own, row) => {
      let logit = own;
      for (let i = 0; i < width; i++) {
        logit += weight[row * width + i] * data[picture * width + i];
      }
      assertAlmostEquals(shape[picture][row], logit, 1e-3);
    });
  }
});

Deno.test("reference scenes show one object and two in turn", async () => {
  const pictures = referencePictures("scenes", { count: 20, seed: 5 });
  await using classifier = await loadScenesClassifier(
    folder("scenes-classifier"),
  );
  const counts = (await kindsShown(classifier, pictures))
    .map(({ length }) => length);
  const right = counts.filter((n, i) => n === 1 + i % 2).length;
  assert(right >= 18, `${counts}`);
  await using features = await openPictureFeatures(folder("scenes-classifier"));
  assertEquals(features.kind, "scenes");
});

Deno.test("features refuse pictures of another size, and the folders of other models", async () => {
  await using features = await openPictureFeatures(folder("shapes-classifier"));
  await assertRejects(
    () => features.of(zeros([2, 3, 64, 64])),
    RangeError,
    "images are float32[2,3,64,64], expected float32[B,3,24,24]",
  );
  await assertRejects(
    () => openPictureFeatures(folder("scenes-vae")),
    TypeError,
  );
});
