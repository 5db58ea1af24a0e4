import { assert, assertEquals, assertThrows } from "@std/assert";
import { renderBatch } from "../data/render.ts";
import { classNames, colours, shapes } from "../data/shapes.ts";
import { shapesClassifier } from "./shapes_classifier.ts";
import {
  accuracyOf,
  classifyShapes,
  loadShapesClassifier,
} from "./shapes_judge.ts";
import { train } from "../training/trainer.ts";
import { SplitMix32 } from "../data/uniform.ts";

const shipped = decodeURIComponent(
  new URL("../models/shapes-classifier", import.meta.url).pathname,
);

Deno.test("the shipped classifier names shape and colour of at least 98% of 600 fresh pictures", async () => {
  const classIds = Array.from({ length: 600 }, (_, i) => i % classNames.length);
  const { uniform } = new SplitMix32(20_261_123);
  await using classifier = await loadShapesClassifier(shipped);
  const images = renderBatch(classIds, { uniform });
  const found = await classifyShapes(classifier, images);
  const { shape, colour, both } = accuracyOf(found, classIds);
  assert(both >= 0.98, `both ${both}, shape ${shape}, colour ${colour}`);
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

Deno.test("the training task learns: its loss falls below the loss of guessing", async () => {
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
