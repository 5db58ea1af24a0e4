/** A second thread of `checkFinite`. */
import { type Scan, scanInTurn } from "./scan_in_turn.ts";

globalThis.addEventListener(
  "message",
  (event) => scanInTurn((event as MessageEvent<Scan>).data),
);
