import { assertThrows } from "@std/assert";
import { readJson } from "../files/read_json.ts";
import { parseAutoencoderConfig } from "./autoencoder/autoencoder_config.ts";
import {
  parseClipTextConfig,
  parseClipVisionConfig,
} from "./clip/clip_config.ts";
import { parseNetwork } from "./network.ts";
import { parseT5EncoderConfig } from "./t5/t5_config.ts";

/** A T5 encoder's file as transformers 5 writes it. */
const t5 = {
  ...{ architectures: ["T5EncoderModel"], classifier_dropout: 0, d_ff: 64 },
  ...{ d_kv: 8, d_model: 32, dense_act_fn: "gelu_new", dropout_rate: 0.1 },
  ...{ dtype: "float32", eos_token_id: 1, feed_forward_proj: "gated-gelu" },
  ...{ initializer_factor: 1, is_decoder: false, is_encoder_decoder: false },
  ...{ is_gated_act: true, layer_norm_epsilon: 1e-6, model_type: "t5" },
  ...{ num_decoder_layers: 2, num_heads: 4, num_layers: 2, pad_token_id: 0 },
  ...{ relative_attention_max_distance: 128, use_cache: false },
  ...{ relative_attention_num_buckets: 32, scale_decoder_outputs: false },
  ...{ tie_word_embeddings: true, transformers_version: "5.24.0" },
  vocab_size: 192,
};

const root = new URL("../..", import.meta.url).pathname;
const fileOf = (folder: string) => readJson(`${root}/${folder}/config.json`);

const cases = [
  [t5, parseT5EncoderConfig],
  [await fileOf("testdata/unet-sd15"), parseNetwork],
  [await fileOf("testdata/unet-sd21"), parseNetwork],
  [await fileOf("testdata/dit"), parseNetwork],
  [await fileOf("testdata/pixart-micro"), parseNetwork],
  [await fileOf("testdata/vae"), parseAutoencoderConfig],
  [await fileOf("testdata/clip-text-proj-gelu"), parseClipTextConfig],
  [await fileOf("testdata/clip-vision"), parseClipVisionConfig],
  [await fileOf("zoo/models/dit-shapes/transformer"), parseNetwork],
  [await fileOf("zoo/models/sd-shapes/unet"), parseNetwork],
  [await fileOf("zoo/models/sd-shapes/text_encoder"), parseClipTextConfig],
  [await fileOf("zoo/models/scenes-vae"), parseAutoencoderConfig],
] as const;

Deno.test("every family's config is read, and refused if it has a key that its class does not have", () => {
  for (const [json, parse] of cases) {
    parse(json, "config.json");
    const other = { ...json as object, quantization_config: { bits: 4 } };
    assertThrows(
      () => parse(other, "config.json"),
      TypeError,
      'config.json: key "quantization_config" is {"bits":4}, expected no key',
    );
  }
});
