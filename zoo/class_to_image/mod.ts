/** TODO zoo/class_to_image */
export { ditShapes, writeDitShapes } from "./dit_shapes.ts";
