/**
 * What steps of a SubNet read of what its units hold, and leave behind for it.
 * Residual units that are closed one after the other are read as one: the step
 * that they last ran at leaves the sum of what they add, not each for itself.
 */
import { type Block, streamOf } from "@dip-go/core/models";
import type { Value } from "@dip-go/core/onnx";
import {
  type Halves,
  halvesAt,
  type RowsRead,
  rowsRead,
} from "../gates/halves.ts";
import { stepPatterns } from "../gates/liveness.ts";
import type { StepPattern } from "../gates/open_gates.ts";
import { depthsOf, factorShape, holds, rowOf } from "../gates/payloads.ts";
import type { SubNetPlan } from "../gates/plan.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** What is held as one, told by outputs of units in execution order: of a single output what its unit computed, of several of a residual stream the sum of what is added. */
export type HeldSum = readonly string[];

/** Residual units closed one after the other, of which only the last one's output is read. */
export interface ClosedRun {
  /** The tensor that the last of them makes. */
  readonly output: string;
  /** The stream that they add to. */
  readonly stream: string;
  /** What they add: of those that hold a sum for each step that they last ran at, of each other its own payload. */
  readonly sums: readonly HeldSum[];
}

/** A value that a step reads, or rows of one half of guidance. */
export interface HeldRead extends RowsRead {
  readonly sum: HeldSum;
  /** How many newer values its unit has computed since. */
  readonly depth: number;
}

/** A value of a unit's payload that combines some: its depth, and the shape of its coefficient as a factor. */
export interface PayloadTerm {
  readonly unit: string;
  readonly depth: number;
  readonly factor: readonly number[];
}

/** What one step computes, reads and leaves behind. */
export interface StepPlan extends Pick<StepPattern, "live" | "predicts"> {
  /** What it computes of guidance. */
  readonly halves: Halves;
  /** All that it reads of what units hold. */
  readonly reads: readonly HeldRead[];
  /** Where what it reads of residual units goes. */
  readonly runs: readonly ClosedRun[];
  /** Outputs of units that do not hold but combine values, by their names. */
  readonly combined: Readonly<Record<string, readonly PayloadTerm[]>>;
  /** Of units that run, what later steps read. */
  readonly writes: readonly HeldSum[];
}

/** Name, type and shape of what a sum holds: of a single output those in its block's own graph. */
export function heldValue({ blocks }: SuperNet, sum: HeldSum): Value {
  const { block, graph } = blocks.find(({ block }) =>
    block.outputs.includes(sum[0])
  )!;
  const value = graph.outputs[block.outputs.indexOf(sum[0])];
  return sum.length === 1 ? value : { ...value, name: sum.join("+") };
}

/** The name of a value at a depth. */
const depthName = (name: string, depth: number): string =>
  depth === 0 ? name : `${name}@${depth}`;

/** The name under which a step reads a value. */
export const readName = (
  name: string,
  { depth, rows }: Pick<HeldRead, "depth" | "rows">,
): string =>
  depthName(name, depth) + (rows === "unconditional" ? `:${rows}` : "");

/** The name under which it reads the value's coefficient. */
export const factorName = (name: string, depth: number): string =>
  `${depthName(name, depth)}:factor`;

type Run = Omit<ClosedRun, "sums"> & { readonly outputs: HeldSum };

/** The runs of a step's closed residual units. */
function closedRuns(
  blocks: readonly Block[],
  { live, reads }: StepPattern,
): Run[] {
  const readers = new Map<string, number>();
  for (const [i, { inputs, outputs, streams = [] }] of blocks.entries()) {
    const added = streams.filter((_, k) => live[i] || reads.has(outputs[k]));
    for (const tensor of live[i] ? [...inputs, ...added] : added) {
      readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
    }
  }
  const runs = new Map<string, Run>();
  for (const block of blocks) {
    for (const output of block.outputs) {
      const stream = streamOf(block, output);
      if (!stream || !reads.has(output)) continue;
      const before = readers.get(stream) === 1 ? runs.get(stream) : undefined;
      if (before) runs.delete(stream);
      runs.set(output, {
        output,
        stream: before?.stream ?? stream,
        outputs: [...before?.outputs ?? [], output],
      });
    }
  }
  return [...runs.values()];
}

/** Of each output, the last step that computed it, and the last that computed both halves. */
type LastRan = ReadonlyMap<string, readonly [number, number]>;

/** A step's runs, what those that hold add summed by the step that it is from. */
function summedRuns(
  runs: readonly Run[],
  lastRan: LastRan,
  combined: StepPlan["combined"],
): ClosedRun[] {
  return runs.map(({ outputs, ...run }) => ({
    ...run,
    sums: [
      ...Map.groupBy(
        outputs,
        (output) => output in combined ? output : lastRan.get(output)?.join(),
      ).values(),
    ],
  }));
}

/** What step t reads of units that combine values. */
function combinedAt(
  { blocks }: SuperNet,
  { payloads }: SubNetPlan,
  { t, reads }: { t: number; reads: ReadonlySet<string> },
): StepPlan["combined"] {
  const all = blocks.flatMap(({ block, graph }) =>
    block.outputs.flatMap((output, k) => {
      const { name: unit } = block;
      const row = rowOf(payloads, unit, t);
      if (!reads.has(output) || holds(row)) return [];
      const { shape } = graph.outputs[k];
      const terms = depthsOf(row).map((depth) => ({
        unit,
        depth,
        factor: factorShape(row[depth], shape),
      }));
      return [[output, terms] as const];
    })
  );
  return Object.fromEntries(all);
}

/**
 * What each of the T steps does.
 *
 * @param net In the form of the plan's payloads.
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function stepPlans(net: SuperNet, plan: SubNetPlan): StepPlan[] {
  const blocks = net.blocks.map(({ block }) => block);
  const patterns = stepPatterns(net, plan.gates, plan);
  const writes = patterns.map(() => new Map<string, HeldSum>());
  const lastRan = new Map<string, readonly [number, number]>();
  const halvesOf = (t: number) => halvesAt(plan.halves, t);
  /** What step t reads of the value at a depth of a sum. */
  const readsOf = (sum: HeldSum, depth: number, t: number): HeldRead[] => {
    const { name } = blocks.find(({ outputs }) => outputs.includes(sum[0]))!;
    const n = net.units.indexOf(name);
    const column = plan.gates.map((row) => row[n]);
    return rowsRead(column, plan.halves, { t, depth })
      .map((read) => ({ sum, depth, ...read }));
  };
  const plans = patterns.map((pattern, t) => {
    const { live, predicts } = pattern;
    const combined = combinedAt(net, plan, { t, reads: pattern.reads });
    const halves = halvesOf(t);
    const runs = summedRuns(closedRuns(blocks, pattern), lastRan, combined);
    const sums = [
      ...blocks.filter(({ streams }) => !streams)
        .flatMap(({ outputs }) => outputs)
        .filter((output) => pattern.reads.has(output))
        .map((output) => [output]),
      ...runs.flatMap(({ sums }) => sums),
    ];
    const reads = sums.flatMap((sum): HeldRead[] => {
      const [output] = sum;
      const depths = combined[output]?.map(({ depth }) => depth) ?? [0];
      return depths.flatMap((depth) => readsOf(sum, depth, t));
    });
    for (const { sum, from } of reads) writes[from].set(sum.join("+"), sum);
    for (const [i, { outputs }] of blocks.entries()) {
      if (!live[i]) continue;
      for (const output of outputs) {
        const both = halves === "both" ? t : lastRan.get(output)?.[1] ?? 0;
        lastRan.set(output, [t, both]);
      }
    }
    return { live, predicts, halves, reads, runs, combined };
  });
  return plans.map((plan, t) => ({ ...plan, writes: [...writes[t].values()] }));
}
