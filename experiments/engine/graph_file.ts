/** A graph of steps as a file, and what of it is done. */
import { readJson, statOf } from "@dip-go/core/files";
import type { Step } from "./step.ts";

/** A step as other processes are told of it. */
export interface GraphLine
  extends Pick<Step, "key" | "kind" | "name" | "cost" | "memory"> {
  /** Keys of the steps that it reads. */
  readonly after: readonly string[];
  readonly alone: boolean;
  readonly level: number;
  /** Where its value lies in the store. */
  readonly path: string;
  /** Which of the graph's runs it belongs to. */
  readonly part: number;
}

/** The steps that are not done, in order: neither there nor left out, because a fit before them found no plan. */
export async function missingLines(
  steps: readonly GraphLine[],
): Promise<GraphLine[]> {
  const without = new Set<string>(); // plans, and what would follow them
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
