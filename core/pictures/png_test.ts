import { assertEquals, assertRejects } from "@std/assert";
import { crc32 } from "node:zlib";
import { decode } from "fast-png";
import { float32 } from "../tensor/tensor.ts";
import { rgbImage } from "./picture.ts";
import { writePng } from "./png.ts";

const image = float32([3, 1, 2], [-1, 1, 0, -2, 2, 0.5]);

Deno.test("writePng() writes pixels and text chunks and leaves no temporary file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const text = { Software: "DiP-GO", seed: "42" };
    await writePng(`${folder}/a.png`, { image: rgbImage(image), text });
    const png = decode(await Deno.readFile(`${folder}/a.png`));
    assertEquals([png.width, png.height, png.channels, png.depth], [
      2,
      1,
      3,
      8,
    ]);
    assertEquals([...png.data], [...rgbImage(image).data]);
    assertEquals(png.text, text);
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The texts of `iTXt` chunks, by keyword. */
function wideTexts(png: Uint8Array): Record<string, string> {
  const view = new DataView(png.buffer);
  const texts: Record<string, string> = {};
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at);
    const typed = png.subarray(at + 4, at + 8 + length);
    assertEquals(view.getUint32(at + 8 + length), crc32(typed));
    const chunk = new TextDecoder().decode(typed);
    if (chunk.startsWith("iTXt")) {
      const [keyword, ...fields] = chunk.slice(4).split("\0");
      assertEquals(fields.slice(0, 4), ["", "", "", ""]);
      texts[keyword] = fields[4];
    }
    at += 12 + length;
  }
  return texts;
}

Deno.test("writePng() writes text of any script", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/猫 🐱.png`;
    const prompt = "a “red” circle 猫 🐱";
    const text = { Software: "DiP-GO, café", prompt };
    await writePng(path, { image: rgbImage(image), text });
    const bytes = await Deno.readFile(path);
    const png = decode(bytes);
    assertEquals([...png.data], [...rgbImage(image).data]);
    assertEquals(png.text, { Software: "DiP-GO, café" });
    assertEquals(wideTexts(bytes), { prompt });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("writePng() fails if the folder does not exist", async () => {
  await assertRejects(
    () => writePng("no_such_folder/a.png", { image: rgbImage(image) }),
    Error,
  );
});
