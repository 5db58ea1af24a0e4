import { assertEquals, assertRejects } from "@std/assert";
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

Deno.test("writePng() fails where the folder does not exist", async () => {
  await assertRejects(
    () => writePng("no_such_folder/a.png", { image: rgbImage(image) }),
    Error,
  );
});
