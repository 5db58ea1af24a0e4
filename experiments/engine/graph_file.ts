/** The steps of a graph as data in a file, and the steps that are missing. */
import { readJson, statOf } from "@dip-go/core/files";
import type { Step } from "./step.ts";

/** A step as data that other processes read. */
export interface GraphLine
  extends Pick<Step, "key" | "kind" | "name" | "cost" | "memory"> {
  /** Keys of the steps that it reads. */
  readonly after: readonly string[];
  readonly alone: boolean;
  readonly level: number;
  /** The path of its value in the store. */
  readonly path: string;
  /** The index of the graph's run that it belongs to. */
  readonly part: number;
}

/** The missing steps in order, except steps that are left out because a fit before them found no plan. */
export async function missingLines(
  steps: readonly GraphLine[],
): Promise<GraphLine[]> {
  const without = new Set<string>(); // keys of fits that found no plan, and of the steps after them
  const missing: GraphLine[] = [];
  for (const step of steps) {
    const isThere = await statOf(step.path) !== null;
    const isLeftOut = step.kind === "fit"
      ? isThere && await foundNone(step.path)
      : !step.alone && step.after.some((key) => without.has(key));
    if (isLeftOut) without.add(step.key);
    else if (!isThere) missing.push(step);
  }
  return missing;
}

async function foundNone(path: string): Promise<boolean> {
  const { value } = await readJson(path) as {
    value: { fitted: { kind: string } };
  };
  return value.fitted.kind === "none";
}
