import { assert, assertEquals, assertRejects } from "@std/assert";
import { clipTextGraph, clipVisionGraph } from "@dip-go/core/models";
import { TorchGenerator } from "@dip-go/core/random";
import { openSession } from "@dip-go/core/runtime";
import { float32, int64, type Tensor } from "@dip-go/core/tensor";
import { writeSafetensors } from "@dip-go/core/weights";
import { craftStateDict, inTemporaryFolder } from "@dip-go/testing/files";
import {
  checkpoint,
  clipPairJson,
  isClose,
  pictureFeature,
  reduced,
  textFeature,
  vitG,
  writePair,
} from "@dip-go/testing/models";
import { loadClipPair, textHalf, visionHalf } from "./clip_pair.ts";
import { clipModelJson } from "./open_clip.ts";

/** A pair's weights in the layout of open_clip's file. */
function openClipFile(
  weights: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const file = new Map<string, Tensor>();
  const names: [RegExp, string][] = [
    [/^vision_model\.embeddings\.patch_embedding/, "visual.conv1"],
    [/^vision_model\.embeddings\.class_embedding/, "visual.class_embedding"],
    [/^vision_model\.embeddings\.position.*/, "visual.positional_embedding"],
    [/^vision_model\.pre_layrnorm/, "visual.ln_pre"],
    [/^vision_model\.post_layernorm/, "visual.ln_post"],
    [/^vision_model\.encoder\.layers/, "visual.transformer.resblocks"],
    [/^text_model\.embeddings\.token_embedding/, "token_embedding"],
    [/^text_model\.embeddings\.position.*/, "positional_embedding"],
    [/^text_model\.final_layer_norm/, "ln_final"],
    [/^text_model\.encoder\.layers/, "transformer.resblocks"],
    [/self_attn\.out_proj/, "attn.out_proj"],
    [/layer_norm(\d)/, "ln_$1"],
    [/mlp\.fc1/, "mlp.c_fc"],
    [/mlp\.fc2/, "mlp.c_proj"],
  ];
  const other = (key: string) =>
    names.reduce((name, [from, to]) => name.replace(from, to), key);
  for (const [key, tensor] of weights) {
    const { shape, data } = tensor as Tensor<"float32">;
    if (key.endsWith("position_ids") || /\.[kv]_proj\./.test(key)) continue;
    if (/\.q_proj\./.test(key)) {
      const parts = ["q", "k", "v"].map((name) =>
        weights.get(key.replace("q_proj", `${name}_proj`))!
          .data as Float32Array
      );
      const joined = parts.flatMap((part) => [...part]);
      file.set(
        other(key).replace(/self_attn\.q_proj\./, "attn.in_proj_"),
        float32([3 * shape[0], ...shape.slice(1)], joined),
      );
    } else if (/_projection\.weight$/.test(key)) {
      const [rows, columns] = shape;
      const name = key === "text_projection.weight"
        ? "text_projection"
        : "visual.proj";
      file.set(
        name,
        float32(
          [columns, rows],
          Array.from(
            data,
            (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
          ),
        ),
      );
    } else file.set(other(key), tensor);
  }
  return file;
}

Deno.test("a pair in open_clip's layout has the same weights, from either kind of file", () =>
  inTemporaryFolder(async (folder) => {
    const small = reduced(vitG);
    const weights = checkpoint(small);
    await writePair(folder, small, weights);
    const expected = await loadClipPair(folder);
    const other = `${folder}/open`;
    await Deno.mkdir(other);
    const { text, vision } = small;
    const model_cfg = {
      embed_dim: small.projection,
      vision_cfg: {
        image_size: vision.imageSize,
        layers: vision.layers,
        width: vision.width,
        head_width: 22,
        mlp_ratio: 4.3637, // 44 times this is just more than 192
        patch_size: vision.patchSize,
      },
      text_cfg: {
        context_length: text.positions,
        vocab_size: text.vocabulary,
        width: text.width,
        heads: text.heads,
        layers: text.layers,
      },
    };
    const write = (cfg: Record<string, unknown>) =>
      Deno.writeTextFile(
        `${other}/open_clip_config.json`,
        JSON.stringify({ model_cfg: cfg, preprocess_cfg: {} }),
      );
    await write(model_cfg);
    const file = openClipFile(weights);
    const bin = `${other}/open_clip_pytorch_model.bin`;
    await Deno.writeFile(bin, craftStateDict(file));
    const compare = async () => {
      const found = await loadClipPair(other);
      for (const half of ["text", "vision"] as const) {
        assertEquals(found[half].config, expected[half].config);
      }
      const ids = [48, 5, 7, 49, 0, 0];
      const graph = clipTextGraph(found.text.config, found.text.weights, {
        batch: 1,
        tokens: ids.length,
        outputs: ["embeds"],
      });
      await using texts = await openSession(graph);
      const words = await texts.run({ input_ids: int64([1, ids.length], ids) });
      assert(isClose(words.embeds, textFeature(weights, small, ids)));
      const outputs = ["embeds"];
      await using pictures = await openSession(
        clipVisionGraph(found.vision.config, found.vision.weights, {
          batch: 1,
          outputs,
        }),
      );
      const pixel_values = new TorchGenerator(8).randn([1, 3, 28, 28]);
      const seen = await pictures.run({ pixel_values });
      const feature = pictureFeature(weights, small, pixel_values.data);
      assert(isClose(seen.embeds, feature));
    };
    await compare();
    await Deno.remove(bin);
    await assertRejects(
      () => loadClipPair(other),
      Deno.errors.NotFound,
      "expected one of open_clip_model.safetensors, open_clip_pytorch_model.bin",
    );
    await writeSafetensors(`${other}/open_clip_model.safetensors`, file);
    await compare();
    await write({ ...model_cfg, custom_text: true });
    await assertRejects(
      () => loadClipPair(other),
      TypeError,
      `key "custom_text" is true, expected none of that name`,
    );
  }));

Deno.test("open_clip's configuration of ViT-g-14 equals that of transformers", () => {
  const json = clipModelJson({
    model_cfg: {
      embed_dim: 1024,
      vision_cfg: {
        image_size: 224,
        layers: 40,
        width: 1408,
        head_width: 88,
        mlp_ratio: 4.3637,
        patch_size: 14,
      },
      text_cfg: {
        context_length: 77,
        vocab_size: 49408,
        width: 1024,
        heads: 16,
        layers: 24,
      },
    },
  }, "test");
  for (const half of [textHalf, visionHalf]) {
    assertEquals(
      half.parse(json, "test") as unknown,
      half.parse(clipPairJson(vitG), "test"),
    );
  }
});
