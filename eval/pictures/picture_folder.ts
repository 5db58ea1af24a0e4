/** Folders of pictures, in the order of their names. */
import { isFile, statOf } from "@dip-go/core/files";
import {
  isOtherPictureName,
  isPictureName,
  type Picture,
  readPicture,
} from "@dip-go/core/pictures";
import { archivePictures } from "./archive_pictures.ts";

/**
 * The sorted names of the pictures in a folder, including links to pictures.
 *
 * @throws {Deno.errors.NotFound} If there is no such folder.
 * @throws {TypeError} If `folder` is a file, holds no picture, or holds one of a kind that is not read.
 */
export async function pictureNames(folder: string): Promise<string[]> {
  if (await isFile(folder)) {
    throw new TypeError(
      `Cannot read pictures ${folder}: it is a file, expected a folder of pictures`,
    );
  }
  const names: string[] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    const linked = isSymlink ? await statOf(`${folder}/${name}`) : null;
    if (isDirectory || linked?.isDirectory) continue;
    if (isPictureName(name) && !name.startsWith(".")) names.push(name);
    if (isOtherPictureName(name)) {
      throw new TypeError(
        `Cannot read pictures ${folder}: ${name} is of a kind that is not read; convert it to PNG, or take it away`,
      );
    }
  }
  if (names.length > 0) return names.sort();
  throw new TypeError(
    `Cannot read pictures ${folder}: found no PNG, JPEG, WebP, BMP, PPM or PGM file, expected at least one`,
  );
}

/**
 * The pictures of a folder, or of an `.npz` file, one at a time.
 *
 * @throws As {@linkcode pictureNames} and `readPicture`, or `archivePictures`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { picturesOf } from "@dip-go/eval";
 *
 * const pictures = await Array.fromAsync(picturesOf("testdata/jpeg"));
 * assertEquals(pictures.length, 6);
 * ```
 */
export async function* picturesOf(folder: string): AsyncGenerator<Picture> {
  if (folder.endsWith(".npz")) return yield* archivePictures(folder);
  for (const name of await pictureNames(folder)) {
    yield await readPicture(`${folder}/${name}`);
  }
}
