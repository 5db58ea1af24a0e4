/** Pictures as bytes and as numbers, and PNG files of them. */
export { imageOf, type Picture, rgbImage } from "./picture.ts";
export { decodePng, pngDataUri, writePng } from "./png.ts";
