/**
 * A contact sheet of the procedural data set as a PNG: a column for each colour,
 * rows of samples for each shape, every pixel enlarged to 4x4.
 */
import { type Picture, rgbImage, writePng } from "@dip-go/core/pictures";
import { unstacked } from "@dip-go/core/tensor";
import { enlarged } from "@dip-go/eval/pictures";
import {
  colours,
  pictureSize,
  renderBatch,
  shapes,
  SplitMix32,
} from "@dip-go/zoo/data";
import { command, finish } from "../options/command.ts";
import { path, whole } from "../options/option_table.ts";

const zoom = 4;

/** The sheet as a picture. */
export function contactSheet(
  { samples, seed }: { samples: number; seed: number },
): Picture {
  const columns = colours.length;
  const classIds = shapes.flatMap((_, shape) =>
    Array.from(
      { length: samples * columns },
      (_, i) => shape * columns + i % columns,
    )
  );
  const { uniform } = new SplitMix32(seed);
  const pictures = unstacked(renderBatch(classIds, { uniform })).map(rgbImage);
  const width = columns * pictureSize;
  const height = classIds.length / columns * pictureSize;
  const data = new Uint8Array(width * height * 3);
  const line = pictureSize * 3;
  for (const [i, picture] of pictures.entries()) {
    const first = Math.floor(i / columns) * pictureSize;
    for (let y = 0; y < pictureSize; y++) {
      const at = (first + y) * columns + i % columns;
      data.set(picture.data.subarray(y * line, (y + 1) * line), at * line);
    }
  }
  return enlarged({ width, height, channels: 3, data }, zoom);
}

/** Runs the command on its arguments; errors are part of the result. */
export const previewCommand = command({
  refusal: "Cannot write the contact sheet",
  about: "Writes a contact sheet of the procedural data set as a PNG.",
  usage: ["deno task zoo:preview [options] -o sheet.png"],
  options: {
    o: path("<file>", "PNG to write"),
    samples: whole(1)("<n>", "Pictures of each class", { default: "2" }),
    seed: whole(0)("<n>", "Seed of the pictures", { default: "0" }),
  },
}, async ({ o: path, ...asked }) => {
  if (path === undefined) {
    throw new TypeError(
      "Cannot write the contact sheet: found no file name, expected -o sheet.png",
    );
  }
  await writePng(path, { image: contactSheet(asked) });
  return [];
});

if (import.meta.main) finish(await previewCommand(Deno.args));
