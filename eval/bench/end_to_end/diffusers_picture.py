"""Makes a guided picture with diffusers; prints CPU seconds and peak bytes as JSON for end_to_end.ts."""
import json
import resource
import sys

import torch
from diffusers import StableDiffusionPipeline

folder, steps = sys.argv[1:]
pipeline = StableDiffusionPipeline.from_pretrained(folder)
pipeline.set_progress_bar_config(disable=True)
image = pipeline(
    "a",
    num_inference_steps=int(steps),
    guidance_scale=7.5,
    generator=torch.manual_seed(0),
).images[0]
image.save("results/bench/end-to-end-diffusers.png")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "cpu": used.ru_utime + used.ru_stime,
    "peak": used.ru_maxrss * 1024,
}))
