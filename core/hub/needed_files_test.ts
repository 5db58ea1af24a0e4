import { assertEquals } from "@std/assert";
import { neededFiles } from "./needed_files.ts";

Deno.test("neededFiles() takes safetensors, or torch.save's if there are none", () => {
  const needed = [
    "model_index.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.bin",
    "tokenizer/merges.txt",
    "tokenizer_3/spiece.model",
  ];
  const others = [
    "README.md",
    "../config.json",
    "safety_checker/config.json",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "v1-5-pruned.ckpt",
  ];
  assertEquals(neededFiles([...others, ...needed]), needed);
  const clip = ["open_clip_config.json", "open_clip_model.safetensors"];
  const bin = "open_clip_pytorch_model.bin";
  assertEquals(neededFiles([...clip, bin]), clip);
  assertEquals(neededFiles([clip[0], bin]), [clip[0], bin]);
  const both = ["config.json", "model.safetensors"];
  assertEquals(neededFiles([...both, clip[1], bin]), both);
});

Deno.test("neededFiles() takes the variant fp16 of a folder that has nothing else, in shards too", () => {
  const needed = [
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "text_encoder/model.fp16-00001-of-00002.safetensors",
    "text_encoder/model.safetensors.index.fp16.json",
    "text_encoder_2/model-00001-of-00002.fp16.safetensors",
    "vae/diffusion_pytorch_model.fp16.bin",
  ];
  const others = [
    "unet/diffusion_pytorch_model.fp16.bin",
    "text_encoder/pytorch_model.fp16.bin",
    "vae/diffusion_pytorch_model.bf16.safetensors",
  ];
  assertEquals(neededFiles([...others, ...needed]), needed);
});
