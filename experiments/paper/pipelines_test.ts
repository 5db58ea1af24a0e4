import { assertEquals, assertThrows } from "@std/assert";
import { partParams, pipelineOf, towers } from "./pipelines.ts";

Deno.test("partParams count the published text towers and autoencoder", () => {
  assertEquals(partParams.clip(towers.sd1), 123_060_480);
  assertEquals(partParams.clip(towers.sd2), 340_387_840);
  assertEquals(partParams.clip(towers.sdxl), 694_659_840);
  assertEquals(partParams.t5(), 4_762_310_656);
  assertEquals(partParams.vae(), 83_653_863);
});

Deno.test("pipelineOf() sums the parts, and refuses what is not the paper's", () => {
  const { params } = pipelineOf("stable-diffusion-v1-5/stable-diffusion-v1-5");
  assertEquals(params, 859_520_964 + 123_060_480 + 83_653_863);
  assertThrows(
    () => pipelineOf("owner/name"),
    RangeError,
    "Cannot count owner/name without its weights",
  );
});
