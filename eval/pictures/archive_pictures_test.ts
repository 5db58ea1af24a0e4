/** Written by NumPy 2.4: `savez` and `savez_compressed` of `[5, 4, 6, 3]` bytes. */
import { assertEquals, assertRejects } from "@std/assert";
import { unzipSync, zipSync } from "fflate";
import { inTemporaryFolder } from "@dip-go/testing/files";
import { archivePictures } from "./archive_pictures.ts";

const folder = "testdata/npz";
const pictures = (path: string) => Array.fromAsync(archivePictures(path));

Deno.test("archivePictures() gives the pictures of arr_0, one after another", async () => {
  for (const name of ["pictures", "pictures-labels"]) {
    const found = await pictures(`${folder}/${name}.npz`);
    const sizes = found.map(({ height, width, channels }) => [
      height,
      width,
      channels,
    ]);
    assertEquals(sizes, Array(5).fill([4, 6, 3]));
    const sums = found.map(({ data }) => data.reduce((sum, x) => sum + x, 0));
    assertEquals(sums, [9211, 8660, 8679, 10730, 9841]);
    assertEquals([...found[0].data.slice(0, 5)], [255, 64, 94, 8, 8]);
    assertEquals([...found[4].data.slice(-5)], [204, 78, 28, 191, 74]);
  }
});

Deno.test("archivePictures() finds arr_0 behind another array, wherever its packed bytes begin", () =>
  inTemporaryFolder(async (temporary) => {
    const whole = await Deno.readFile(`${folder}/pictures.npz`);
    const { "arr_0.npy": array } = unzipSync(whole);
    const path = `${temporary}/a.npz`;
    const headers = 30 + "first.npy".length + 30 + "arr_0.npy".length;
    for (const packed of [0, 1, 40]) { // bytes in the first piece that is read, too few to unpack any
      const first = new Uint8Array((4 << 20) - headers - packed);
      const archive = zipSync({
        "first.npy": [first, { level: 0 }],
        "arr_0.npy": array,
      });
      await Deno.writeFile(path, archive);
      assertEquals((await pictures(path)).length, 5);
    }
  }));

Deno.test("archivePictures() refuses archives that are cut off or hold something else", () =>
  inTemporaryFolder(async (temporary) => {
    const refused = (path: string, message: string) =>
      assertRejects(() => pictures(path), TypeError, message);
    await refused(
      `${folder}/reference.npz`,
      "reference.npz: it is no sound zip archive with an arr_0",
    );
    const whole = await Deno.readFile(`${folder}/pictures.npz`);
    for (const end of [0, 40, 250, 400]) {
      await Deno.writeFile(`${temporary}/a.npz`, whole.subarray(0, end));
      await refused(`${temporary}/a.npz`, "a.npz: it is no sound zip archive");
    }
    const text = new TextDecoder("latin1").decode(whole);
    const changed = async (at: number, byte: number, message: string) => {
      const other = Uint8Array.from(whole);
      other[at] = byte;
      await Deno.writeFile(`${temporary}/b.npz`, other);
      await refused(`${temporary}/b.npz`, message);
    };
    await changed(
      text.indexOf("|u1") + 1,
      "i".charCodeAt(0),
      "arr_0 is |i1 [5,4,6,3], expected |u1 [N, H, W, 3]",
    );
    await changed(300, whole[300] ^ 1, "arr_0 is damaged or cut off");
  }));
