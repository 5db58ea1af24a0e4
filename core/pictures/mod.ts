/** Pictures as bytes and as numbers, in other sizes, and PNG files of them. */
export { pilResize, pilResizeFloat, type ResizeFilter } from "./pil_resize.ts";
export { imageOf, type Picture, rgbImage } from "./picture.ts";
export { decodePng, pngDataUri, writePng } from "./png.ts";
