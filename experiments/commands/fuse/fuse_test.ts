import { assertEquals, assertStringIncludes } from "@std/assert";
import { fuseCommand } from "../fuse.ts";

const data = new URL("../../../testdata/", import.meta.url).pathname;
const model = `${data}pipelines/sd`;
const lora = `${data}lora/kohya.safetensors`;

Deno.test("fuse writes a folder and says what changed, or what it misses", async () => {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/fused`;
  try {
    const args = ["--model", model, "--lora", lora, "--scales", "0.5"];
    const { lines } = await fuseCommand([...args, "-o", folder]);
    assertEquals(lines, [`${folder}: 1 of text_encoder, 5 of unet changed`]);
    const refusals = [
      [args, "-o <folder> is missing"],
      [["-o", folder, "--model", model], "--lora <file> is missing"],
      [[...args, "--lora", lora, "-o", folder], "found 1 --scales, expected 2"],
      [[...args, "-o", folder], "it holds a model, expected a new folder"],
    ] as const;
    for (const [refused, message] of refusals) {
      assertStringIncludes((await fuseCommand(refused)).error ?? "", message);
    }
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
