/**
 * Contact sheet of the procedural data set as a PNG: a column a colour, rows
 * of samples for each shape, every pixel enlarged to 4x4.
 */

import { parseArgs } from "@std/cli/parse-args";
import { encode } from "fast-png";
import {
  colours,
  pictureSize,
  renderBatch,
  shapes,
  SplitMix32,
} from "@dip-go/zoo/data";

const help = `Writes a contact sheet of the procedural data set as a PNG.

Usage: deno task zoo:preview [--samples n] [--seed n] -o sheet.png

  -o, --output   file to write
  --samples      pictures of each class (default 2)
  --seed         seed of the pictures (default 0)
  -h, --help     this text`;

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

/** A whole number of at least `least` from an option's text. */
function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least) {
    throw new RangeError(
      `Cannot read --${option}: found "${text}", expected a whole number of at least ${least}`,
    );
  }
  return value;
}

function main(args: string[]): void {
  const options = parseArgs(args, {
    string: ["output", "samples", "seed"],
    boolean: ["help"],
    alias: { output: "o", help: "h" },
    default: { samples: "2", seed: "0" },
    unknown: (option: string) => {
      throw new TypeError(
        `Cannot read the command line: found "${option}", expected an option of --help`,
      );
    },
  });
  if (options.help) return console.log(help);
  if (!options.output) {
    throw new TypeError(
      "Cannot write the contact sheet: found no file name, expected -o sheet.png",
    );
  }
  const sheet = contactSheet({
    samples: wholeNumber("samples", options.samples, 1),
    seed: wholeNumber("seed", options.seed, 0),
  });
  const unfinished = `${options.output}.tmp`;
  Deno.writeFileSync(unfinished, encode({ ...sheet, channels: 3 }));
  Deno.renameSync(unfinished, options.output);
}

if (import.meta.main) {
  try {
    main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
