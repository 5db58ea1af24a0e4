import { assertEquals } from "@std/assert";
import { paramsOf, partParams, pipelines } from "./pipelines.ts";

Deno.test("partParams count the published text towers", () => {
  assertEquals(partParams.clipL(), 123_060_480);
  assertEquals(partParams.clipH(), 340_387_840);
  assertEquals(partParams.clipBigG(), 694_659_840);
  assertEquals(partParams.t5(), 4_762_310_656);
});

Deno.test("a pipeline's parameters are those of its parts", () => {
  const sd15 = pipelines["stable-diffusion-v1-5/stable-diffusion-v1-5"];
  assertEquals(paramsOf(sd15), 859_520_964 + 123_060_480 + 83_653_863);
  const medium = pipelines["stabilityai/stable-diffusion-3.5-medium"];
  assertEquals(
    paramsOf({ ...medium, texts: [] }),
    2_243_171_520 + 384 ** 2 * 1536 + 83_819_683, // the table of positions is stored, but is no weight
  );
});
