/** Folders of pictures, JPEG files, grids with labels. */
export { enlarged, imageGrid } from "./image_grid.ts";
export { pictureNames, picturesOf, readPicture } from "./picture_folder.ts";
