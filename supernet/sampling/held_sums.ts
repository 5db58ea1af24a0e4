/**
 * What steps of a SubNet read of what its units hold, and leave behind for it.
 * Residual units that are closed one after the other are read as one: the step
 * that they last ran at leaves the sum of what they add, not each for itself.
 */
import { type Block, streamOf } from "@dip-go/core/models";
import type { Value } from "@dip-go/core/onnx";
import type { Gates } from "../gates/gates.ts";
import { type StepPattern, stepPatterns } from "../gates/liveness.ts";
import type { SuperNet } from "../gates/super_net.ts";

/** What is held as one, told by outputs of units in execution order: of a single output what its unit computed, of several of a residual stream the sum of what is added. */
export type HeldSum = readonly string[];

/** Residual units closed one after the other, of which only the last one's output is read. */
export interface ClosedRun {
  /** The tensor that the last of them makes. */
  readonly output: string;
  /** The stream that they add to. */
  readonly stream: string;
  /** What they add, by the step that they last ran at. */
  readonly sums: readonly HeldSum[];
}

/** What one step computes, reads and leaves behind. */
export interface StepPlan extends Pick<StepPattern, "live" | "predicts"> {
  /** All that it reads of what units hold. */
  readonly reads: readonly HeldSum[];
  /** Where what it reads of residual units goes. */
  readonly runs: readonly ClosedRun[];
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

/** A step's runs, what they add summed by the step that it is from. */
function summedRuns(
  runs: readonly Run[],
  lastRan: ReadonlyMap<string, number>,
): ClosedRun[] {
  return runs.map(({ outputs, ...run }) => ({
    ...run,
    sums: [...Map.groupBy(outputs, (output) => lastRan.get(output)).values()],
  }));
}

/**
 * What each of the T steps does.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function stepPlans(net: SuperNet, gates: Gates): StepPlan[] {
  const blocks = net.blocks.map(({ block }) => block);
  const patterns = stepPatterns(net, gates);
  const writes = patterns.map(() => new Map<string, HeldSum>());
  const lastRan = new Map<string, number>();
  const plans = patterns.map((pattern, t) => {
    const { live, predicts } = pattern;
    const runs = summedRuns(closedRuns(blocks, pattern), lastRan);
    const reads = [
      ...blocks.filter(({ streams }) => !streams)
        .flatMap(({ outputs }) => outputs)
        .filter((output) => pattern.reads.has(output))
        .map((output) => [output]),
      ...runs.flatMap(({ sums }) => sums),
    ];
    for (const sum of reads) {
      writes[lastRan.get(sum[0])!].set(sum.join("+"), sum);
    }
    for (const [i, { outputs }] of blocks.entries()) {
      if (live[i]) outputs.forEach((output) => lastRan.set(output, t));
    }
    return { live, predicts, reads, runs };
  });
  return plans.map((plan, t) => ({ ...plan, writes: [...writes[t].values()] }));
}
