import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TorchGenerator } from "@dip-go/core/random";
import { zeros } from "@dip-go/core/tensor";
import {
  type ClassifierConfig,
  classifierConfigJson,
  initClassifierWeights,
  parseClassifierConfig,
} from "./classifier_network.ts";
import {
  loadPictureClassifier,
  writePictureClassifier,
} from "./picture_classifier.ts";

const heads = { answer: ["yes", "no"], colour: ["red", "green", "blue"] };
const config: ClassifierConfig = { sampleSize: 8, widths: [4, 6], heads };
const random = new TorchGenerator(3);

async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  const weights = Object.fromEntries(initClassifierWeights(config, random));
  try {
    await writePictureClassifier(folder, { config, weights, metadata: {} });
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("logits() of a picture do not depend on the other pictures of its batch", () =>
  withFolder(async (folder) => {
    await using classifier = await loadPictureClassifier(folder, heads);
    const images = random.randn([31, 3, 8, 8]);
    const two = {
      ...images,
      shape: [2, 3, 8, 8],
      data: images.data.slice(0, 2 * 192),
    };
    const all = await classifier.logits(images);
    assertEquals([all.answer.length, all.colour.length], [31, 31]);
    assertEquals([all.answer[0].length, all.colour[0].length], [2, 3]);
    const { answer, colour } = await classifier.logits(two);
    assertEquals(answer, all.answer.slice(0, 2));
    assertEquals(colour, all.colour.slice(0, 2));
  }));

Deno.test("logits() refuses pictures of another size and values that are not finite", () =>
  withFolder(async (folder) => {
    await using classifier = await loadPictureClassifier(folder, heads);
    await assertRejects(
      () => classifier.logits(zeros([2, 3, 16, 16])),
      RangeError,
      "images are float32[2,3,16,16], expected float32[B,3,8,8]",
    );
    const images = zeros([1, 3, 8, 8]);
    images.data[7] = NaN;
    await assertRejects(
      () => classifier.logits(images),
      RangeError,
      "element 7 of the images is NaN",
    );
  }));

Deno.test("loadPictureClassifier() refuses a classifier of other heads", () =>
  withFolder(async (folder) => {
    await assertRejects(
      () => loadPictureClassifier(folder, { answer: ["yes", "no"] }),
      TypeError,
      `${folder}/config.json: key "heads" is {"answer":["yes","no"],"colour":["red","green","blue"]}, expected {"answer":["yes","no"]}`,
    );
  }));

Deno.test("parseClassifierConfig() reads what classifierConfigJson() writes, and names the key that it refuses", () => {
  const json = classifierConfigJson(config);
  const read = (changes: Record<string, unknown>) => () =>
    parseClassifierConfig({ ...json, ...changes }, { file: "x.json", heads });
  assertEquals(read({})(), config);
  assertThrows(read({ widths: [8, 0] }), TypeError, 'key "widths" is [8,0]');
  assertThrows(read({ widths: [] }), TypeError, 'key "widths" is []');
  assertThrows(read({ sample_size: 0 }), TypeError, 'key "sample_size" is 0');
  assertThrows(
    read({ _class_name: "X" }),
    TypeError,
    'key "_class_name" is "X"',
  );
});
