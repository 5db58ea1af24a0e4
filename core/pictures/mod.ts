/** Pictures as bytes and as numbers, their resizing, and their files: PNG is written, other kinds are read too. */
export { pilResize, pilResizeFloat, type ResizeFilter } from "./pil_resize.ts";
export { imageOf, type Picture, rgbImage } from "./picture.ts";
export { decodePng, pngDataUri, writePng } from "./png.ts";
export {
  isOtherPictureName,
  isPictureName,
  readPicture,
} from "./read_picture.ts";
