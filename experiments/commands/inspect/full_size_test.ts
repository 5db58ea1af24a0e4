import { assertEquals } from "@std/assert";
import {
  knownModel,
  type KnownModelName,
  networkGraph,
  noWeights,
} from "@dip-go/core/models";
import { inspectModel } from "./model_costs.ts";

/** Torch's counts for the networks that diffusers builds at full size, by name and latents. */
const { models } = JSON.parse(
  Deno.readTextFileSync(
    new URL("../../../testdata/full-size.json", import.meta.url),
  ),
);

/** More counts, made in the same way; published Vega has 0.745 billion parameters. */
const others = {
  "segmind-vega 128x128": {
    params: 745225604,
    macs: { total: 1411220439040, weights: 1272965693440 },
  },
  "sdxl-turbo 64x64": {
    params: 2567463684,
    macs: { total: 794389381120, weights: 766864261120 },
  },
};

const names: readonly (readonly [KnownModelName, string])[] = [
  ["sd-1.5", "sd-1.5 64x64"],
  ["sd-1.5", "sd-1.5 96x64"],
  ["sd-1.5", "sd-1.5 65x51"],
  ["sd-1.5-inpainting", "sd-1.5-inpainting 64x64"],
  ["lcm-dreamshaper-v7", "lcm-dreamshaper-v7 96x96"],
  ["sdxl", "sdxl-base 128x128"],
  ["sdxl-refiner", "sdxl-refiner 128x128"],
  ["ssd-1b", "ssd-1b 128x128"],
  ["segmind-vega", "segmind-vega 128x128"],
  ["sdxl-turbo", "sdxl-turbo 64x64"],
  ["pixart-alpha-1024", "pixart-alpha-1024 128x128"],
  ["pixart-sigma-1024", "pixart-sigma-1024 128x128"],
  ["pixart-sigma-512", "pixart-sigma-512 64x64"],
  ["dit-xl-2-512", "dit-xl-2-512 64x64"],
  ["sd3-medium", "sd3-medium 128x128"],
  ["sd3-medium", "sd3-medium 64x64"],
  ["sd3-medium", "sd3-medium 64x64 77"],
  ["sd3.5-medium", "sd3.5-medium 128x128"],
  ["sd3.5-large", "sd3.5-large 128x128"],
  ["flux.1-dev", "flux.1-dev 1024x1024"],
  ["flux.1-schnell", "flux.1-schnell 1024x1024"],
];

/** The latents' size and the text tokens that a key names; FLUX's keys name pixels. */
function sizesOf(key: string) {
  const [model, size, tokens] = key.split(" ");
  const unit = model.startsWith("flux") ? 8 : 1;
  const [height, width] = size.split("x").map((side) => Number(side) / unit);
  return {
    latents: { height, width },
    ...tokens ? { tokens: Number(tokens) } : {},
  };
}

for (const [name, key] of names) {
  Deno.test(`torch counts the parameters and multiply-accumulates of a known network: ${key}`, () => {
    const graph = networkGraph(knownModel(name), noWeights, {
      batch: 1,
      ...sizesOf(key),
    });
    const { params, macs: { total, weights } } = inspectModel(name, graph);
    const expected = { ...models, ...others }[key];
    assertEquals({ params, macs: { total, weights } }, {
      params: expected.params,
      macs: expected.macs,
    });
  });
}
