/** Small files of every kind against Pillow 13's `convert("RGB")`. */
import { assertEquals, assertRejects } from "@std/assert";
import { encode } from "fast-png";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { isOtherPictureName, readPicture } from "./read_picture.ts";

const folder = "testdata/pictures";
const expected: Record<string, { size: [number, number]; rgb: string }> = JSON
  .parse(await Deno.readTextFile(`${folder}/expected.json`));

for (const [name, { size: [height, width], rgb }] of Object.entries(expected)) {
  Deno.test(`readPicture() gives Pillow's pixels of ${name}`, async () => {
    const { data, ...size } = await readPicture(`${folder}/${name}`);
    assertEquals(size, { height, width, channels: 3 });
    assertEquals([...data], [...Uint8Array.fromBase64(rgb)]);
  });
}

/** Checks that a file of these bytes is refused with a message. */
const refused = (bytes: Uint8Array, message: string) =>
  inTemporaryFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.png`, bytes);
    await assertRejects(
      () => readPicture(`${folder}/a.png`),
      TypeError,
      message,
    );
  });

Deno.test("readPicture() refuses other kinds and files that are cut off, saying why", async () => {
  const bytesOf = (name: string) => Deno.readFile(`${folder}/${name}`);
  const gif = new TextEncoder().encode("GIF89a");
  await refused(gif, 'it begins with "GIF89a", expected a PNG, JPEG');
  await refused(new Uint8Array(), 'it begins with "", expected a PNG');
  for (
    const [name, end, message] of [
      ["cmyk.jpg", 900, "Premature end of JPEG file"],
      ["cmyk-progressive.jpg", 1200, "Premature end of JPEG file"],
      ["lossy.webp", 100, "it is no whole WebP file"],
      ["rgb.bmp", 500, "it ends before its 19 rows of 21 pixels do"],
      ["rgb.ppm", 500, "expected P5 or P6, sizes, 255 and all pixels"],
    ] as const
  ) {
    await refused((await bytesOf(name)).subarray(0, end), message);
  }
  for (const text of [`P6${" ".repeat(1000)}x`, "P6 0 1 255 "]) {
    const pixmap = new TextEncoder().encode(text);
    await refused(pixmap, "expected P5 or P6, sizes, 255 and all pixels");
  }
  const data = new Uint16Array(6);
  const deep = encode({ width: 2, height: 1, channels: 3, depth: 16, data });
  await refused(deep, "it has 16 bits a channel, expected 8 at most");
  const png = await bytesOf("interlaced.png");
  png[24] = 4;
  await refused(png, "it is interlaced with 4 bits a channel, expected 8");
  const bmp = await bytesOf("palette-16.bmp");
  bmp[30] = 2;
  await refused(bmp, "its compression is 2, expected none");
});

Deno.test("readPicture() refuses four colours of several blocks a unit", async () => {
  const bytes = await Deno.readFile(`${folder}/cmyk.jpg`);
  const frame = bytes.findIndex((byte, i) =>
    byte === 0xff && bytes[i + 1] === 0xc0
  );
  const sampled = (colours: number) => {
    const own = bytes.slice();
    for (let i = 0; i < colours; i++) own[frame + 11 + 3 * i] = 0x22;
    return own;
  };
  const message = (found: string) =>
    `Four colours sampled by ${found}, expected 11 for each`;
  await refused(sampled(1), message("22, 11, 11, 11"));
  await refused(sampled(4), message("22, 22, 22, 22"));
});

Deno.test("isOtherPictureName() knows pictures that are not read", () => {
  const names = ["a.gif", "b.TIFF", "c.png", "d.txt"];
  assertEquals(names.map(isOtherPictureName), [true, true, false, false]);
});

Deno.test("readPicture() turns a JPEG as its camera was held, if asked", () =>
  inTemporaryFolder(async (folder) => {
    const plain = await readPicture("testdata/jpeg/420.jpg");
    const bytes = await Deno.readFile("testdata/jpeg/420.jpg");
    const turned = [
      ...[0xff, 0xe1, 0, 34, ...new TextEncoder().encode("Exif\0\0")],
      ...[0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0], // a directory of one entry
      ...[0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0], // a quarter to the right
    ];
    const path = `${folder}/a.jpg`;
    const [head, rest] = [bytes.subarray(0, 2), bytes.subarray(2)];
    await Deno.writeFile(path, Uint8Array.from([...head, ...turned, ...rest]));
    assertEquals(await readPicture(path), plain);
    const upright = await readPicture(path, { upright: true });
    const { width, height } = plain;
    assertEquals([upright.width, upright.height], [height, width]);
    const own = Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % height, Math.floor(i / height)];
      const at = 3 * (y + width * (height - 1 - x));
      return [...plain.data.subarray(at, at + 3)];
    });
    assertEquals([...upright.data], own.flat());
  }));
