import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { consoleWarnings, inTemporaryFolder } from "@dip-go/testing/files";
import { openSession } from "../../runtime/session.ts";
import { int64, type Tensor } from "../../tensor/tensor.ts";
import {
  openSafetensors,
  writeSafetensors,
} from "../../weights/safetensors.ts";
import { clipTextGraph } from "./clip.ts";
import { type ClipTextConfig, parseClipTextConfig } from "./clip_config.ts";
import { initClipText, initClipVision } from "./clip_init.ts";
import { clipTextKind, clipVisionKind, loadClipText } from "./clip_load.ts";
import { TorchGenerator } from "../../tensor/random.ts";
import { noWeights } from "../block_graph/weights.ts";

const folder = decodeURIComponent(
  new URL("../../../testdata/clip-text-proj-gelu", import.meta.url).pathname,
);
const json = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));

/** The pooled features of texts, with another end token in the config. */
async function pooled(ids: readonly number[][], eos_token_id: number) {
  const config = parseClipTextConfig({ ...json, eos_token_id }, "test");
  const { weights } = await loadClipText(folder);
  const shape = { batch: ids.length, tokens: ids[0].length };
  const outputs = ["pooler_output", "last_hidden_state"];
  const graph = clipTextGraph(config, weights, { ...shape, outputs });
  await using session = await openSession(graph);
  const found = await session.run({
    input_ids: int64([shape.batch, shape.tokens], ids.flat()),
  });
  const row = (b: number, position: number) =>
    (found.last_hidden_state.data as Float32Array).slice(
      (b * shape.tokens + position) * config.width,
      (b * shape.tokens + position + 1) * config.width,
    );
  return { features: found.pooler_output.data as Float32Array, row, config };
}

Deno.test("the pooled feature is the first end token's", async () => {
  const ids = [[5, 7, 30, 9, 7, 7], [7, 1, 2, 3, 4, 7]];
  const { features, row, config: { width } } = await pooled(ids, 7);
  assertEquals(features.slice(0, width), row(0, 1));
  assertEquals(features.slice(width), row(1, 0));
});

Deno.test("an old config, whose end token is 2, pools at the first of the highest ids", async () => {
  const ids = [[5, 7, 30, 9, 30, 2], [119, 1, 2, 3, 4, 119]];
  const { features, row, config: { width } } = await pooled(ids, 2);
  assertEquals(features.slice(0, width), row(0, 2));
  assertEquals(features.slice(width), row(1, 0));
});

Deno.test("normed.<i> applies the last norm to an earlier layer's output", async () => {
  const { config, weights } = await loadClipText(folder);
  const outputs = ["last_hidden_state", "normed.-1", "normed.-2"];
  const graph = clipTextGraph(config, weights, {
    batch: 1,
    tokens: 4,
    outputs,
  });
  const ids = int64([1, 4], [5, 6, 7, 8]);
  await using session = await openSession(graph);
  const found = await session.run({ input_ids: ids });
  assertEquals(found["normed.-1"].data, found.last_hidden_state.data);
  const shorter = { ...config, layers: config.layers - 1 };
  await using other = await openSession(
    clipTextGraph(shorter, weights, { batch: 1, tokens: 4, outputs }),
  );
  const last = (await other.run({ input_ids: ids })).last_hidden_state;
  assertEquals(found["normed.-2"].data, last.data);
});

Deno.test("a token does not attend to later tokens", async () => {
  const first = await pooled([[5, 6, 7, 8]], 7);
  const second = await pooled([[5, 6, 7, 99]], 7);
  assertEquals(first.features, second.features);
});

Deno.test("a text without the end token pools at its first token", async () => {
  const { features, row, config: { width } } = await pooled([[5, 6, 9, 8]], 7);
  assertEquals(features.slice(0, width), row(0, 0));
});

/** Calls `body` with a folder of the tower's tensors under other names, and `extra` tensors. */
const inPublished = (
  rename: (key: string) => string,
  extra: Readonly<Record<string, Tensor>>,
  body: (folder: string) => Promise<void>,
) =>
  inTemporaryFolder(async (published) => {
    await Deno.copyFile(`${folder}/config.json`, `${published}/config.json`);
    const file = openSafetensors(`${folder}/model.safetensors`);
    const tensors = [...file.tensors.keys()]
      .map((key): [string, Tensor] => [rename(key), file.read(key)]);
    await writeSafetensors(
      `${published}/model.safetensors`,
      new Map([...tensors, ...Object.entries(extra)]),
    );
    await body(published);
  });

const positions = int64([1, 77], Array.from({ length: 77 }, (_, i) => i));

Deno.test("transformers 5 stores a tower without the tower's name; position_ids of older files are no weight", async () => {
  const bare = (key: string) => key.replace(/^text_model\./, "");
  const forms: [(key: string) => string, string][] = [
    [bare, "embeddings.position_ids"],
    [(key) => key, "text_model.embeddings.position_ids"],
  ];
  const key = "text_model.encoder.layers.0.mlp.fc1.bias";
  const { weights } = await loadClipText(folder);
  for (const [rename, extra] of forms) {
    await inPublished(rename, { [extra]: positions }, async (published) => {
      const warned = await consoleWarnings(async () => {
        const found = (await loadClipText(published)).weights(key, [256]);
        const stored = weights(key, [256]);
        assertEquals(found.file!.length, stored.file!.length);
      });
      assertEquals(warned, []);
    });
  }
});

Deno.test("a tower in a file of both towers loads, and lists the unused tensors once", () =>
  inPublished((key) => key, {
    "vision_model.encoder.layers.0.mlp.fc1.bias": int64([1], [0]),
    "logit_scale": int64([], [0]),
  }, async (published) => {
    const warned = await consoleWarnings(async () => {
      await loadClipText(published);
      await loadClipText(published);
    });
    assertEquals(warned.length, 1);
    assertStringIncludes(
      warned[0],
      `${published}/model.safetensors: not used, as this model has no such weights: "`,
    );
    assertStringIncludes(warned[0], '"logit_scale"');
  }));

Deno.test("the 23 layers of Stable Diffusion 2's text tower are read from its config", () => {
  const config = parseClipTextConfig({
    ...json,
    architectures: ["CLIPTextModel"],
    hidden_size: 1024,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: 23,
    projection_dim: 512,
    vocab_size: 49408,
    eos_token_id: 2,
  }, "test");
  const keys = [...clipTextKind.parameters(config).keys()];
  assertEquals(keys.filter((key) => key.endsWith("fc2.bias")).length, 23);
  assertEquals(keys.includes("text_projection.weight"), false);
});

Deno.test("texts longer than the tower's positions are refused", () => {
  const config = parseClipTextConfig(json, "test");
  assertThrows(
    () =>
      clipTextGraph(config, noWeights, {
        batch: 1,
        tokens: 78,
        outputs: ["last_hidden_state"],
      }),
    RangeError,
    "78 tokens, expected at most 77",
  );
});

Deno.test("initial weights have the keys and shapes that each tower asks for", () => {
  const config: ClipTextConfig = parseClipTextConfig(json, "test");
  const random = new TorchGenerator(0);
  const shapes = (weights: ReadonlyMap<string, Tensor>) =>
    new Map([...weights].map(([key, { shape }]) => [key, shape]));
  const text = initClipText(config, random);
  assertEquals(shapes(text), new Map(clipTextKind.parameters(config)));
  const { vocabulary: _v, positions: _p, endToken: _e, ...encoder } = config;
  const vision = { ...encoder, channels: 3, imageSize: 16, patchSize: 8 };
  assertEquals(
    shapes(initClipVision(vision, random)),
    new Map(clipVisionKind.parameters(vision)),
  );
  const scale = text.get("text_model.final_layer_norm.weight")!;
  assertEquals(new Set(scale.data), new Set([1]));
});
