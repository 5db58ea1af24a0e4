/** The `config.json` of a T5 encoder as transformers writes it, read strictly. */
import { ConfigJson, most } from "../../files/config_json.ts";
import {
  transformersDefaults,
  transformersKeys,
} from "../../files/library_keys.ts";
import { exactDistances, type PositionBuckets } from "./relative_positions.ts";

/** The value of a key that older files lack. */
const defaults = { relative_attention_max_distance: 128 };

/** Reads the buckets. @throws {TypeError} If the buckets cannot be divided among the distances. */
function positionBuckets(config: ConfigJson): PositionBuckets {
  const count = config.positiveInteger("relative_attention_num_buckets");
  if (count < 4) {
    config.refuse("relative_attention_num_buckets", "at least 4");
  }
  const key = "relative_attention_max_distance";
  const furthest = config.positiveInteger(key);
  const exact = exactDistances(count);
  if (furthest <= exact) config.refuse(key, `more than ${exact}`);
  return { count, furthest };
}

/** Unused keys: of the decoder and of training. */
const harmless = [
  ...["classifier_dropout", "dropout_rate", "initializer_factor"],
  ...["n_positions", "num_decoder_layers", "output_past"],
  ...["scale_decoder_outputs", "use_cache"],
];

export type T5EncoderConfig = Readonly<ReturnType<typeof parseT5EncoderConfig>>;

/**
 * The configuration of an encoder, from the parsed `config.json` of a `T5EncoderModel`.
 *
 * @throws {TypeError} If a key is missing or asks for another network.
 */
export function parseT5EncoderConfig(json: unknown, file: string) {
  const required = {
    ...transformersDefaults,
    model_type: ["t5"],
    feed_forward_proj: ["gated-gelu"],
    dense_act_fn: [undefined, "gelu_new"],
    is_gated_act: [undefined, true],
  };
  const config = new ConfigJson(json, file, required, defaults);
  const parsed = {
    vocabulary: config.positiveInteger("vocab_size"),
    width: config.positiveInteger("d_model"),
    layers: config.positiveInteger("num_layers", most.layers),
    heads: config.positiveInteger("num_heads"),
    /** Width of one head; all heads together need not be as wide as the model. */
    headWidth: config.positiveInteger("d_kv"),
    /** Width inside the feed-forward layers. */
    inner: config.positiveInteger("d_ff"),
    epsilon: config.positiveNumber("layer_norm_epsilon"),
    buckets: positionBuckets(config),
  };
  config.finish(harmless, transformersKeys);
  return parsed;
}
