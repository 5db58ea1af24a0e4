/** A call of the network without some units, after the whole call at the same input: the blocks to run again. */
import { streamOf } from "@dip-go/core/models";
import type { Gate } from "./gates.ts";
import { liveBlocks } from "./liveness.ts";
import type { SuperNet } from "./super_net.ts";

/** The units of a partial call and all that follows from them, worked out once for all calls. */
export interface PartialCall {
  /** A gate for each unit, `[N]`: 1 computes the unit, 0 yields its held values. */
  readonly gates: readonly Gate[];
  /** Whether each block runs again after the whole call, since its inputs depend on held values. */
  readonly again: readonly boolean[];
  /** The tensors that are equal to the whole call's. */
  readonly kept: ReadonlySet<string>;
  /** The share of the whole call's MACs that the partial call would take by itself. */
  readonly share: number;
}

/**
 * Works out a partial call.
 *
 * @param gates A gate for each unit; the last one, the whole step's, is 1.
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

/** Inputs of the blocks that run again, and the network's output, without tensors equal to the whole call's. */
export function readAgain(
  { blocks, model }: SuperNet,
  { again, kept }: PartialCall,
): string[] {
  const read = blocks.flatMap(({ block }, i) => again[i] ? block.inputs : []);
  return [...new Set([...read, model.output])].filter((name) =>
    !kept.has(name)
  );
}

/** The last stream in `kept` before the stream `name`, if all units between are left out; else undefined. */
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
