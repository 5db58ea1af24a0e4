/** `dit-shapes`, a DiT that draws a coloured shape of a class: its training task, and the writer of its folder. */
export { ditShapes, writeDitShapes } from "./dit_shapes.ts";
