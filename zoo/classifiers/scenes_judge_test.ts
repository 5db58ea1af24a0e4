import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { drawScene, kindOf, renderScenes } from "../data/scenes.ts";
import {
  kindsShown,
  loadScenesClassifier,
  promptAccuracyOf,
} from "./scenes_judge.ts";
import { SplitMix32 } from "../data/uniform.ts";

const shipped = decodeURIComponent(
  new URL("../models/scenes-classifier", import.meta.url).pathname,
);

Deno.test("the shipped classifier finds at least 98% of the objects of 400 fresh scenes, and nothing else in 98% of them", async () => {
  const { uniform } = new SplitMix32(20_261_123);
  const scenes = Array.from({ length: 400 }, () => drawScene(uniform));
  await using classifier = await loadScenesClassifier(shipped);
  const shown = await kindsShown(classifier, renderScenes(scenes, uniform));
  const asked = scenes.map(({ objects }) => objects.map(kindOf));
  const { objects, pictures, exact } = promptAccuracyOf(shown, asked);
  const figures = `objects ${objects}, pictures ${pictures}, exact ${exact}`;
  assert(objects >= 0.98 && exact >= 0.98, figures);
});

Deno.test("promptAccuracyOf() counts objects, whole prompts, and pictures with nothing else", () => {
  // Both objects found; one of two; both and a third; the only one.
  const shown = [[3, 7], [3], [1, 3, 7], [5]];
  const asked = [[7, 3], [3, 7], [3, 7], [5]];
  const { objects, pictures, exact } = promptAccuracyOf(shown, asked);
  assertAlmostEquals(objects, 6 / 7, 1e-12);
  assertEquals([pictures, exact], [0.75, 0.5]);
  assertThrows(
    () => promptAccuracyOf(shown, [[3]]),
    RangeError,
    "found 1 prompts",
  );
  assertThrows(
    () => promptAccuracyOf([[3]], [[]]),
    RangeError,
    "prompt 0 names no object",
  );
});
