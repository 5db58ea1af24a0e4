/** The `config.json` of Stable Diffusion 1.5's text tower and autoencoder, measured without their weights. */

const levels = (type: string) => Array<string>(4).fill(type);

/** The text tower of OpenAI's CLIP ViT-L/14, as transformers writes it. */
export const sd15Text = {
  architectures: ["CLIPTextModel"],
  hidden_act: "quick_gelu",
  hidden_size: 768,
  intermediate_size: 3072,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 77,
  model_type: "clip_text_model",
  num_attention_heads: 12,
  num_hidden_layers: 12,
  vocab_size: 49408,
};

/** The autoencoder with four latent channels, whose shapes Stable Diffusion 1, 2 and XL share. */
export const sd15Vae = {
  _class_name: "AutoencoderKL",
  act_fn: "silu",
  block_out_channels: [128, 256, 512, 512],
  down_block_types: levels("DownEncoderBlock2D"),
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 512,
  scaling_factor: 0.18215,
  up_block_types: levels("UpDecoderBlock2D"),
};
