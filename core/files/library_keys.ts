/** Keys that a library writes into the `config.json` of any class and that do not change the network. */
import type { AllowedValues } from "./config_json.ts";

/** Such keys of diffusers. */
export const diffusersKeys: readonly string[] = [
  "_class_name",
  "_commit_hash",
  "_diffusers_version",
  "_name_or_path",
];

/** Keys of transformers that would change an encoder, with the values that do not. */
export const transformersDefaults: AllowedValues = {
  add_cross_attention: [undefined, false],
  is_decoder: [undefined, false],
  pruned_heads: [undefined, {}],
};

/** Such keys of transformers, of every version since the first with CLIP: origin, training, text generation. */
export const transformersKeys: readonly string[] = [
  ...["_commit_hash", "_name_or_path", "architectures", "model_type"],
  ...["dtype", "torch_dtype", "transformers_version", "tokenizer_class"],
  ...["attn_implementation", "_attn_implementation_autoset"],
  ...["bos_token_id", "decoder_start_token_id", "eos_token_id"],
  ...["pad_token_id", "sep_token_id"],
  ...["id2label", "label2id", "problem_type", "finetuning_task"],
  ...["output_attentions", "output_hidden_states", "output_scores"],
  ...["return_dict", "return_dict_in_generate", "use_return_dict"],
  ...["cross_attention_hidden_size", "is_encoder_decoder"],
  ...["tie_encoder_decoder", "tie_word_embeddings"],
  ...["chunk_size_feed_forward", "torchscript", "use_bfloat16"],
  ...["tf_legacy_loss", "task_specific_params", "prefix"],
  ...["bad_words_ids", "begin_suppress_tokens", "diversity_penalty"],
  ...["do_sample", "early_stopping", "encoder_no_repeat_ngram_size"],
  ...["exponential_decay_length_penalty", "forced_bos_token_id"],
  ...["forced_eos_token_id", "length_penalty", "max_length", "min_length"],
  ...["no_repeat_ngram_size", "num_beam_groups", "num_beams"],
  ...["num_return_sequences", "remove_invalid_values", "repetition_penalty"],
  ...["suppress_tokens", "temperature", "top_k", "top_p", "typical_p"],
  ...["gradient_checkpointing", "use_cache", "_flash_attn_2_enabled"],
];
