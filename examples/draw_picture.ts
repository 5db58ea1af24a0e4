/**
 * Draws a text's picture with the full pipeline, and writes a PNG.
 *
 *     deno run --allow-ffi --allow-read --allow-write examples/draw_picture.ts \
 *       "a big blue star on grey" star.png
 */
import { loadPipeline, rgbImage, writePng } from "@dip-go/core";

const [prompt = "a big blue star on grey", path = "picture.png", steps = "50"] =
  Deno.args;

// A folder in diffusers layout, or a name on the hub: "owner/name".
const pipeline = await loadPipeline("zoo/models/sd-shapes");
// This small model likes a guidance scale of 3; Stable Diffusion's own is 7.5.
const sampler = pipeline.sampler({ steps: Number(steps), guidanceScale: 3 });
const [picture] = await sampler.sample(prompt, { seed: 0 });
await writePng(path, { image: rgbImage(picture), text: { prompt } });
console.log(`${path}: "${prompt}" in ${sampler.calls} calls of the network`);
