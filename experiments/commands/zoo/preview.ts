/**
 * A contact sheet of the procedural data set as a PNG: a column for each colour,
 * rows of samples for each shape, every pixel enlarged to 4x4.
 */
import { encode } from "fast-png";
import { writeAtomically } from "@dip-go/core/files";
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

/** RGB bytes `[H, W, 3]` of the sheet, with its width and height in pixels. */
export function contactSheet(
  { samples, seed }: { samples: number; seed: number },
): { width: number; height: number; data: Uint8Array } {
  const columns = colours.length;
  const classIds = shapes.flatMap((_, shape) =>
    Array.from(
      { length: samples * columns },
      (_, i) => shape * columns + i % columns,
    )
  );
  const { uniform } = new SplitMix32(seed);
  const pictures = renderBatch(classIds, { uniform }).data;
  const cell = pictureSize * zoom;
  const width = columns * cell;
  const height = classIds.length / columns * cell;
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at++) {
    const channel = at % 3;
    const x = Math.floor(at / 3) % width;
    const y = Math.floor(at / (3 * width));
    const picture = Math.floor(y / cell) * columns + Math.floor(x / cell);
    const row = Math.floor(y % cell / zoom);
    const column = Math.floor(x % cell / zoom);
    const value = pictures[
      ((picture * 3 + channel) * pictureSize + row) * pictureSize + column
    ];
    data[at] = Math.round((value + 1) / 2 * 255);
  }
  return { width, height, data };
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
  await writeAtomically(path, encode({ ...contactSheet(asked), channels: 3 }));
  return [];
});

if (import.meta.main) finish(await previewCommand(Deno.args));
