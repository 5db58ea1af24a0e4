/** One call of a network that leaves some units out: which blocks must run for it, and which have run already in the whole call at the same input. */
import { streamOf } from "@dip-go/core/models";
import type { Gate } from "./gates.ts";
import { liveBlocks } from "./liveness.ts";
import type { SuperNet } from "./super_net.ts";

/** A choice of units, worked out once for all calls. */
export interface PartialCall {
  /** Of each unit, `[N]`: 1 is computed, 0 yields what it held. */
  readonly gates: readonly Gate[];
  /** Whether each block runs again after the whole call, as it reads what is held. */
  readonly again: readonly boolean[];
  /** Tensors that are those of the whole call. */
  readonly kept: ReadonlySet<string>;
  /** Share of the whole call's MACs that a call by itself would take. */
  readonly share: number;
}

/**
 * Works a choice out.
 *
 * @param gates Of each unit, the whole step's last, which is 1.
 */
export function partialCall(
  net: SuperNet,
  gates: readonly Gate[],
): PartialCall {
  const all = gates.map((): Gate => 1);
  const [, live] = liveBlocks({ ...net, steps: 2 }, [all, gates]);
  const kept = new Set(net.model.inputs.map(({ name }) => name));
  const isKept = (name: string | undefined) => !name || kept.has(name);
  const again = net.blocks.map(({ block }, i) => {
    const fresh = block.inputs.every(isKept);
    const open = !block.gated || gates[net.units.indexOf(block.name)] === 1;
    for (const output of block.outputs) {
      const stays = fresh && open && isKept(streamOf(block, output));
      if (stays) kept.add(output);
    }
    return live[i] && !fresh;
  });
  const macs = (runs: (i: number) => boolean) =>
    net.macs.reduce((sum, own, i) => sum + (runs(i) ? own : 0), 0);
  const share = macs((i) => live[i]) / macs(() => true);
  return { gates, again, kept, share };
}

/** Tensors that the blocks which run again read, or the network's output, and that are not those of the whole call. */
export function readAgain(
  { blocks, model }: SuperNet,
  { again, kept }: PartialCall,
): string[] {
  const read = blocks.flatMap(({ block }, i) => again[i] ? block.inputs : []);
  return [...new Set([...read, model.output])].filter((name) =>
    !kept.has(name)
  );
}

/** Where a tensor is a residual stream after units that are all left out: the stream before them. */
export function streamBefore(
  { blocks, units }: SuperNet,
  { gates, kept }: PartialCall,
  name: string,
): string | undefined {
  let from: string | undefined = name;
  while (from !== undefined && !kept.has(from)) {
    const own = blocks.find(({ block }) => block.outputs.includes(from!))!;
    if (gates[units.indexOf(own.block.name)] === 1) return undefined;
    from = streamOf(own.block, from);
  }
  return from;
}
