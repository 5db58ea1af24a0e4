/** A graph of steps as a table, a line for the steps of one kind and name. */
import { alignedLines, formatMacs } from "@dip-go/eval/tables";
import type { Step } from "../engine/step.ts";
import { gigabytes } from "./resources.ts";

/** What a step is of, without its number among its like. */
const groupOf = ({ kind, name }: Step): string =>
  `${kind} ${name.replace(/ ?\d+\/\d+$/, "")}`.trim();

/** What is known of every step before it runs: how many are alike, the first one's key, what they follow, MACs and memory of each. */
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
