/** The files of generated pictures, checked before anything is drawn. */
import { basename, dirname } from "node:path";
import { isPictureName } from "@dip-go/core/pictures";
import { checkFolder, checkNoFolder } from "../options/output_folder.ts";

/**
 * The files of `count` pictures, in order: `output` itself, or for several
 * `picture-0.png` and so on, or files in the folder `output`. Missing folders
 * are made.
 *
 * @param options.grid Whether all pictures go into one file.
 * @throws {RangeError} If the name is neither a PNG's nor a folder's, or the folder holds other pictures.
 * @throws {TypeError} If there is a folder at a file's path.
 * @throws {Error} If the folder cannot be made or written.
 */
export async function pictureFiles(
  output: string,
  { count, grid }: { readonly count: number; readonly grid: boolean },
): Promise<string[]> {
  const isFile = /\.png$/i.test(output);
  if (!isFile && (grid || /\.(jpe?g|webp|gif|bmp|tiff?|avif)$/i.test(output))) {
    throw new RangeError(
      `Cannot write ${output}: expected a .png file${
        grid ? " for a grid" : ", or a folder"
      }`,
    );
  }
  const names = Array.from(
    { length: count },
    (_, i) => String(i).padStart(String(count - 1).length, "0"),
  );
  const files = !isFile
    ? names.map((name) => `${output}/${name}.png`)
    : count === 1 || grid
    ? [output]
    : names.map((name) =>
      output.replace(/\.png$/i, (ending) => `-${name}${ending}`)
    );
  const folder = isFile ? dirname(output) : output;
  await checkFolder(folder, output);
  if (!isFile) await checkOthers(folder, files);
  for (const file of files) await checkNoFolder(file);
  return files;
}

/** Refuses a folder that holds other pictures, which a measurement of the folder would read too. */
async function checkOthers(
  folder: string,
  files: readonly string[],
): Promise<void> {
  const own = new Set(files.map((file) => basename(file)));
  for await (const { name } of Deno.readDir(folder)) {
    if (own.has(name) || !isPictureName(name)) continue;
    throw new RangeError(
      `Cannot write pictures into ${folder}: it holds ${name}, expected no picture besides ${
        basename(files[0])
      } to ${basename(files.at(-1)!)}`,
    );
  }
}
