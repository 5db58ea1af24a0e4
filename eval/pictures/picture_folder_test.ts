import { assertEquals, assertRejects } from "@std/assert";
import { encode } from "fast-png";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { picturesOf } from "./picture_folder.ts";

const write = (
  path: string,
  { channels, data, depth = 8 as const }: {
    channels: number;
    data: Uint8Array | Uint16Array;
    depth?: 8 | 16;
  },
) => {
  const image = { width: 2, height: 1, channels, data, depth };
  return Deno.writeFile(path, encode(image));
};

Deno.test("picturesOf() reads a folder's picture files in the order of their names, links too, in three channels", () =>
  inTemporaryFolder(async (folder) => {
    const rgba = new Uint8Array([1, 2, 3, 9, 4, 5, 6, 9]);
    await write(`${folder}/b.png`, { channels: 4, data: rgba });
    await write(`${folder}/a.png`, {
      channels: 1,
      data: new Uint8Array([7, 8]),
    });
    await Deno.writeTextFile(`${folder}/notes.txt`, "no picture");
    await Deno.copyFile("testdata/jpeg/420.jpg", `${folder}/aa.JPG`);
    const elsewhere = await Deno.realPath("testdata/pictures/rgb.bmp");
    await Deno.symlink(elsewhere, `${folder}/c.bmp`);
    await Deno.mkdir(`${folder}/e.png`);
    const found = await Array.fromAsync(picturesOf(folder));
    const [grey, jpeg, colours, linked, ...others] = found.map((
      { data },
    ) => [...data]);
    assertEquals(grey, [7, 7, 7, 8, 8, 8]);
    assertEquals(jpeg.length, 23 * 17 * 3);
    assertEquals(colours, [1, 2, 3, 4, 5, 6]);
    assertEquals([linked.length, others], [21 * 19 * 3, []]);
    assertEquals([found[0].height, found[0].width], [1, 2]);
  }));

Deno.test("picturesOf() refuses folders without pictures, and names broken, 16-bit and unreadable ones", () =>
  inTemporaryFolder(async (folder) => {
    const refused = (message: string) =>
      assertRejects(
        () => Array.fromAsync(picturesOf(folder)),
        TypeError,
        message,
      );
    await refused("found no PNG, JPEG, WebP");
    await Deno.symlink("nowhere", `${folder}/gone.png`);
    await assertRejects(
      () => Array.fromAsync(picturesOf(folder)),
      Deno.errors.NotFound,
      "gone.png",
    );
    await Deno.remove(`${folder}/gone.png`);
    await write(`${folder}/deep.png`, {
      channels: 3,
      data: new Uint16Array(6),
      depth: 16,
    });
    await refused("deep.png: it has 16 bits a channel, expected 8 at most");
    await Deno.writeTextFile(`${folder}/broken.png`, "none");
    await refused('broken.png: it begins with "none", expected a PNG');
    await Deno.writeTextFile(`${folder}/b.tiff`, "none");
    await refused("b.tiff is of a kind that is not read; convert it to PNG");
    await assertRejects(
      () => Array.fromAsync(picturesOf(`${folder}/none`)),
      Deno.errors.NotFound,
    );
  }));
