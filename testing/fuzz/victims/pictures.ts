/** Picture files of every kind, and archives of statistics and pictures. */
import { readPicture } from "@dip-go/core/pictures";
import { readReference } from "@dip-go/eval";
import { picturesOf } from "@dip-go/eval/pictures";
import { copies, testdata, type Victim } from "./victim.ts";

const picture = (name: string, folder = "pictures"): Victim => ({
  prepare: copies(`${testdata}/${folder}`, [name]),
  load: (own) => readPicture(`${own}/${name}`),
});

const archive = (
  name: string,
  load: (path: string) => Promise<unknown>,
): Victim => ({
  prepare: copies(`${testdata}/npz`, [name]),
  load: (folder) => load(`${folder}/${name}`),
});

const files = [
  ...["rgba.png", "palette-16.png", "interlaced.png"],
  ...["cmyk.jpg", "ycck-progressive.jpg", "lossy.webp", "lossless.webp"],
  ...["rgb.bmp", "palette-16.bmp", "rgb.ppm", "grey.pgm"],
];

export const pictures: Readonly<Record<string, Victim>> = {
  ...Object.fromEntries(files.map((name) => [name, picture(name)])),
  "420.jpg": picture("420.jpg", "jpeg"),
  "progressive.jpg": picture("progressive.jpg", "jpeg"),
  "statistics": archive(
    "reference.npz",
    (path) => readReference(path, "pooled"),
  ),
  "pictures-npz": archive(
    "pictures-labels.npz",
    (path) => Array.fromAsync(picturesOf(path)),
  ),
};
