/** Folders of pictures, grids with labels. */
export { enlarged, type GridRow, imageGrid } from "./image_grid.ts";
export { pictureNames, picturesOf } from "./picture_folder.ts";
