/** TODO eval/pictures */
export { imageGrid } from "./image_grid.ts";
export { picturesOf } from "./picture_folder.ts";
export type { Picture } from "./pil_resize.ts";
