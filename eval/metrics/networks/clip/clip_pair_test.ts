import { assert, assertEquals, assertRejects } from "@std/assert";
import { clipTextGraph, clipVisionGraph } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { int64, sizeOf } from "@dip-go/core/tensor";
import { inTemporaryFolder } from "@dip-go/testing/files";
import {
  checkpoint,
  clipPairJson,
  isClose,
  pictureFeature,
  publishedKeys,
  reduced,
  textFeature,
  vitG,
  vitL,
  writePair,
} from "@dip-go/testing/models";
import { loadClipPair, textHalf, visionHalf } from "./clip_pair.ts";

const pairs = [
  ["ViT-g-14", vitG, 1366.68],
  ["ViT-L/14", vitL, 427.62],
] as const;

for (const [name, pair, millions] of pairs) {
  Deno.test(`${name} asks for exactly the keys and shapes of its published file`, () => {
    const json = clipPairJson(pair);
    const asked = [textHalf, visionHalf].flatMap((half) => {
      const config = half.parse(json, "config.json") as never;
      return [...half.parameters(config)];
    });
    const published = publishedKeys(pair);
    const count = [...published.values()].reduce((n, s) => n + sizeOf(s), 0);
    assertEquals((count / 1e6).toFixed(2), `${millions}`);
    published.delete("logit_scale");
    assertEquals(asked.length, published.size);
    assertEquals(new Map(asked), published);
  });

  Deno.test(`${name} at reduced width matches a reference in float64, from a file in its published layout`, () =>
    inTemporaryFolder(async (folder) => {
      const small = reduced(pair);
      const weights = checkpoint(small);
      await writePair(folder, small, weights);
      const { text, vision } = await loadClipPair(folder);
      const outputs = ["embeds"];
      const ids = [48, 5, 7, 49, 0, 0];
      const textGraph = clipTextGraph(text.config, text.weights, {
        batch: 1,
        tokens: ids.length,
        outputs,
      });
      await using texts = await openSession(textGraph);
      const words = await texts.run({ input_ids: int64([1, ids.length], ids) });
      assert(isClose(words.embeds, textFeature(weights, small, ids)));
      const visionGraph = clipVisionGraph(vision.config, vision.weights, {
        batch: 1,
        outputs,
      });
      await using pictures = await openSession(visionGraph);
      const pixel_values = new TorchGenerator(8).randn([1, 3, 28, 28]);
      const seen = await pictures.run({ pixel_values });
      const feature = pictureFeature(weights, small, pixel_values.data);
      assert(isClose(seen.embeds, feature));
    }));
}

Deno.test("a pair's file that lacks a weight is refused by name", () =>
  inTemporaryFolder(async (folder) => {
    const small = reduced(vitG);
    const weights = checkpoint(small);
    weights.delete("visual_projection.weight");
    await writePair(folder, small, weights);
    await assertRejects(
      () => loadClipPair(folder),
      RangeError,
      `"visual_projection.weight" is missing, expected float32[20,44]`,
    );
  }));
