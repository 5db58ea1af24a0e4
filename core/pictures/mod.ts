/** Pictures as files. */
export { pngDataUri, type RgbImage, rgbImage, writePng } from "./png.ts";
