/**
 * The held values that the steps of a SubNet read, and write for later steps.
 * Consecutive closed residual units are read as one value: the step at which they
 * last ran writes the sum of their residuals, not each residual for itself.
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

/** Unit outputs in execution order that are held as one value: one unit's own, or a sum of a stream's residuals. */
export type HeldSum = readonly string[];

/** Consecutive closed residual units of which only the last one's output is read. */
export interface ClosedRun {
  /** The output of the last unit. */
  readonly output: string;
  /** The stream that the units add to. */
  readonly stream: string;
  /** The values that are added: a sum for each step at which holding units last ran, and each payload by itself. */
  readonly sums: readonly HeldSum[];
}

/** A held value that a step reads, or its rows of one half of guidance. */
export interface HeldRead extends RowsRead {
  readonly sum: HeldSum;
  /** The number of newer values that its unit has computed. */
  readonly depth: number;
}

/** A value in a payload that combines several: its depth, and the shape of its coefficient as a factor. */
export interface PayloadTerm {
  readonly unit: string;
  readonly depth: number;
  readonly factor: readonly number[];
}

/** The blocks that one step computes, and the held values that it reads and writes. */
export interface StepPlan extends Pick<StepPattern, "live" | "predicts"> {
  /** The halves of guidance that the step computes. */
  readonly halves: Halves;
  /** All held values that the step reads. */
  readonly reads: readonly HeldRead[];
  /** The runs of closed residual units, which add held values to their streams. */
  readonly runs: readonly ClosedRun[];
  /** The payload terms of units that combine values instead of holding one, by output. */
  readonly combined: Readonly<Record<string, readonly PayloadTerm[]>>;
  /** The values that this step computes and later steps read. */
  readonly writes: readonly HeldSum[];
}

/** A key that two steps share exactly if their graphs are equal but for numbers. @param ages The ages of reads, if they count. */
export const formKey = (
  { reads, ...plan }: StepPlan,
  ages: readonly number[] = [],
): string =>
  JSON.stringify({
    ...plan,
    reads: reads.map(({ from: _, ...own }, i) => ({ ...own, age: ages[i] })),
  });

/** Name, dtype and shape of a held value; of a single output as in its block's own graph. */
export function heldValue({ blocks }: SuperNet, sum: HeldSum): Value {
  const { block, graph } = blocks.find(({ block }) =>
    block.outputs.includes(sum[0])
  )!;
  const value = graph.outputs[block.outputs.indexOf(sum[0])];
  return sum.length === 1 ? value : { ...value, name: sum.join("+") };
}

const depthName = (name: string, depth: number): string =>
  depth === 0 ? name : `${name}@${depth}`;

/** The name under which a step reads a value. */
export const readName = (
  name: string,
  { depth, rows }: Pick<HeldRead, "depth" | "rows">,
): string =>
  depthName(name, depth) + (rows === "unconditional" ? `:${rows}` : "");

/** The name under which a step reads a value's coefficient. */
export const factorName = (name: string, depth: number): string =>
  `${depthName(name, depth)}:factor`;

type Run = Omit<ClosedRun, "sums"> & { readonly outputs: HeldSum };

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

/** The last step that computed each output, and the last that computed both halves of it. */
type LastRan = ReadonlyMap<string, readonly [number, number]>;

/** A step's runs with their sums: residuals of units that hold are summed by the step that computed them. */
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

/** The payload terms that step t reads, by the outputs of units that combine values. */
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
 * The plan of each of the T steps.
 *
 * @param net The SuperNet in the form of the plan's payloads.
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function stepPlans(net: SuperNet, plan: SubNetPlan): StepPlan[] {
  const blocks = net.blocks.map(({ block }) => block);
  const patterns = stepPatterns(net, plan.gates, plan);
  const writes = patterns.map(() => new Map<string, HeldSum>());
  const lastRan = new Map<string, readonly [number, number]>();
  const halvesOf = (t: number) => halvesAt(plan.halves, t);
  /** The reads of step t for a held value at a depth. */
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
