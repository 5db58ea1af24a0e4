/** `deno task store`: sums up the files of the step store; `--clear` removes those that no finished run needs. */
import { removeIfThere } from "@dip-go/core/files";
import { columnLines } from "@dip-go/eval/tables";
import { duration } from "../engine/progress.ts";
import {
  storeContents,
  type StoredFile,
} from "../engine/store/store_contents.ts";
import { command, finish } from "./options/command.ts";
import { resultsRow } from "./options/console_table.ts";
import { flag, whole } from "./options/option_table.ts";

const hour = 3_600_000;

/** Runs the command on its arguments; errors are part of the result. */
export const storeCommand = command({
  refusal: "Cannot look at the store",
  about:
    "Says what the steps of all runs take on disk, and clears what no finished run needs.",
  usage: ["deno task store [options]"],
  options: {
    results: resultsRow,
    clear: flag("Remove what no run needs; without it, nothing is removed"),
    age: whole(0)(
      "<hours>",
      "Leave what was made within so many hours: a run may be at it",
      { default: "24" },
    ),
  },
  notes:
    "A run needs the steps that its folder's steps.json names. Steps from before the end of a run that has none are left. What is removed is made again should a run ask for it.",
}, async ({ results: root, clear, age }) => {
  const files = await storeContents(root);
  if (files.length === 0) return [`${root}/.steps holds nothing`];
  const now = Date.now();
  const isOdd = ({ needed, written }: StoredFile) =>
    !needed && now - written >= age * hour;
  const odd = files.filter(isOdd);
  // a run's end may remove one first
  if (clear) { for (const { path } of odd) await removeIfThere(path); }
  const kinds = [...Map.groupBy(files, ({ kind }) => kind)];
  const oldest = (all: readonly StoredFile[]) =>
    now - Math.min(...all.map(({ written }) => written));
  return [
    ...columnLines(kinds, [
      ["kind", ([kind]) => kind],
      ["files", ([, all]) => String(all.length)],
      ["size", ([, all]) => sizeText(all)],
      ["oldest", ([, all]) => duration(Math.max(0, oldest(all)))],
      ["no run needs", ([, all]) => sizeText(all.filter(isOdd))],
    ]),
    `${sizeText(files)} in ${files.length} files, of which ${
      sizeText(odd)
    } in ${odd.length} ${
      clear ? "were removed" : "could be removed by --clear"
    }`,
  ];
});

const sizeText = (files: readonly StoredFile[]): string =>
  `${(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(1)} MB`;

if (import.meta.main) finish(await storeCommand(Deno.args));
