/** `dit-shapes`, a DiT that draws a coloured shape of a class: its configuration, its training task and the folder they become. */
export { ditShapes, writeDitShapes } from "./dit_shapes.ts";
