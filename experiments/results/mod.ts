/** What a run leaves: its folder, rows, details and report. */
export type { RunIdentity } from "./run_folder.ts";
