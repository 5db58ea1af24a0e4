/** A graph of steps as a table, with a line for all steps of one kind and name. */
import { alignedLines, formatMacs } from "@dip-go/eval/tables";
import type { Step } from "../engine/step.ts";
import { gigabytes } from "./resources.ts";

/** The kind and name of a step, without its number among like steps. */
const groupOf = ({ kind, name }: Step): string =>
  `${kind} ${name.replace(/ ?\d+\/\d+$/, "")}`.trim();

/** A line for each group of like steps: count, key, MACs and memory of the first, and the groups before it. */
export function graphLines(steps: readonly Step[]): string[] {
  const groups = Map.groupBy(steps, groupOf);
  const header = ["step", "", "key", "MACs", "memory"];
  const follows = ["follows"];
  const rows = [...groups].map(([name, group]) => {
    const [{ key, kind, cost, memory }] = group;
    const before = new Set(group.flatMap(({ after }) => after.map(groupOf)));
    before.delete(name);
    follows.push([...before].join(", "));
    return [
      name,
      group.length > 1 ? `x ${group.length}` : "",
      key.slice(0, 12),
      cost === 0 || kind === "metric" ? "" : formatMacs(cost),
      gigabytes(memory),
    ];
  });
  return alignedLines([header, ...rows], { left: 1 })
    .map((line, i) => `${line}  ${follows[i]}`.trimEnd());
}
