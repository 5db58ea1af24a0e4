/** Folders of pictures, grids with labels. */
export { enlarged, imageGrid } from "./image_grid.ts";
export { pictureNames, picturesOf } from "./picture_folder.ts";
