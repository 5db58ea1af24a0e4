import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { zeros } from "../core/tensor.ts";
import { accuracyOf, loadClassifier } from "./classifier.ts";
import { parseClassifierConfig } from "./classifier_network.ts";
import { shapesClassifier } from "./classifier_training.ts";
import { renderBatch } from "./render.ts";
import { classNames, colours, shapes } from "./shapes.ts";
import { train } from "./trainer.ts";
import { SplitMix32 } from "./uniform.ts";

const shipped = decodeURIComponent(
  new URL("models/shapes-classifier", import.meta.url).pathname,
);

Deno.test("the shipped classifier names shape and colour of at least 98% of 600 fresh pictures", async () => {
  const classIds = Array.from({ length: 600 }, (_, i) => i % classNames.length);
  const { uniform } = new SplitMix32(20_261_123);
  await using classifier = await loadClassifier(shipped);
  const images = renderBatch(classIds, { uniform });
  const { shape, colour, both } = await classifier.accuracy(images, classIds);
  assert(both >= 0.98, `both ${both}, shape ${shape}, colour ${colour}`);
});

Deno.test("classify() judges a picture alike whatever stands beside it", async () => {
  const classIds = Array.from({ length: 31 }, (_, i) => i % classNames.length);
  const pictures = (count: number) =>
    renderBatch(classIds.slice(0, count), {
      uniform: new SplitMix32(4).uniform,
    });
  await using classifier = await loadClassifier(shipped);
  const all = await classifier.classify(pictures(31));
  assertEquals(all.length, 31);
  assertEquals(await classifier.classify(pictures(2)), all.slice(0, 2));
});

Deno.test("classify() refuses pictures of another size and values that are not finite", async () => {
  await using classifier = await loadClassifier(shipped);
  await assertRejects(
    () => classifier.classify(zeros([2, 3, 16, 16])),
    RangeError,
    "images are float32[2,3,16,16], expected float32[B,3,24,24]",
  );
  const images = zeros([1, 3, 24, 24]);
  images.data[7] = NaN;
  await assertRejects(
    () => classifier.classify(images),
    RangeError,
    "element 7 of the images is NaN",
  );
});

Deno.test("accuracyOf() counts shape, colour and both", () => {
  // Asked for: red circle, green circle, cyan ring, blue square.
  const found = [
    { shape: 0, colour: 0 },
    { shape: 0, colour: 2 },
    { shape: 3, colour: 5 },
    { shape: 1, colour: 2 },
  ];
  const accuracy = accuracyOf(found, [0, 1, 29, 8]);
  assertEquals(accuracy, { shape: 0.75, colour: 0.75, both: 0.5 });
  assertThrows(() => accuracyOf(found, [0]), RangeError, "found 1 class ids");
});

Deno.test("parseClassifierConfig() names the key that it refuses", async () => {
  const config = JSON.parse(await Deno.readTextFile(`${shipped}/config.json`));
  const read = (changes: Record<string, unknown>) => () =>
    parseClassifierConfig({ ...config, ...changes }, "x.json");
  assertEquals(read({})().sampleSize, 24);
  assertThrows(read({ widths: [8, 0] }), TypeError, 'key "widths" is [8,0]');
  assertThrows(read({ shapes: ["disc"] }), TypeError, 'key "shapes" is');
});

Deno.test("the training task learns: its loss falls, below that of guessing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await train(shapesClassifier({ updates: 100, seed: 0, batch: 8 }), folder);
    const log = await Deno.readTextFile(`${folder}/log.jsonl`);
    const [first, second] = log.trim().split("\n").map((line) =>
      JSON.parse(line).loss
    );
    const guessing = Math.log(shapes.length) + Math.log(colours.length);
    assert(second < first, `${second} after ${first}`);
    assert(second < guessing, `${second}, guessing is ${guessing}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
