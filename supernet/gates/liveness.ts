/**
 * What a SubNet must run: found by walking back from the sampler's predictions
 * over the unrolled T x N graph. A block runs at a step only if its output, or
 * its value as a later backup, is used; the cascade of DiP-GO (section 3.3)
 * follows, across steps too.
 */
import { type CompiledBlock, streamOf } from "@dip-go/core/models";
import { checkGates, denseGates, type Gates } from "./gates.ts";
import type { SuperNet } from "./super_net.ts";

/** What one step computes and reads. */
export interface StepPattern {
  /** Whether each block runs, in the SuperNet's block order. */
  readonly live: readonly boolean[];
  /** Outputs of gated blocks that do not run, for which a held value is read. */
  readonly reads: ReadonlySet<string>;
  /** Whether the model's output is computed; else the prediction is held. */
  readonly predicts: boolean;
}

/** Marks, in one step, the blocks that run and the units that come from the step before. */
class StepWalk {
  readonly #live: boolean[];
  /** Units whose value of the previous step is read, here or later. */
  readonly carried = new Set<string>();
  readonly #reads = new Set<string>();
  readonly #tensors = new Set<string>();
  readonly #units = new Set<string>();

  constructor(
    private readonly net: SuperNet,
    private readonly open: (unit: string) => boolean,
  ) {
    this.#live = net.blocks.map(() => false);
  }

  /** This step, or a later one, reads what the unit holds after it. */
  readLater(unit: string): void {
    if (!this.open(unit)) this.carried.add(unit);
    else if (unit === this.net.model.output) this.#tensors.add(unit);
    else this.#units.add(unit);
  }

  /** Goes through the blocks from last to first; inputs always come from earlier ones. */
  finish(): StepPattern {
    for (let i = this.net.blocks.length - 1; i >= 0; i--) {
      this.#visit(this.net.blocks[i], i);
    }
    return {
      live: this.#live,
      reads: this.#reads,
      predicts: this.#tensors.has(this.net.model.output),
    };
  }

  #visit({ block }: CompiledBlock, i: number): void {
    const read = block.outputs.filter((name) => this.#tensors.has(name));
    for (const name of read) {
      const stream = streamOf(block, name);
      if (stream) this.#tensors.add(stream);
    }
    this.#live[i] = block.gated
      ? this.#visitUnit(block.name, read)
      : read.length > 0;
    if (this.#live[i]) block.inputs.forEach((name) => this.#tensors.add(name));
  }

  /** Whether a unit runs. @param read Those of its outputs that are. */
  #visitUnit(unit: string, read: readonly string[]): boolean {
    if (read.length > 0) this.readLater(unit);
    if (!this.open(unit)) read.forEach((output) => this.#reads.add(output));
    return this.#units.has(unit);
  }
}

/**
 * What each of the T steps does.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function stepPatterns(net: SuperNet, gates: Gates): StepPattern[] {
  checkGates(gates, {
    steps: net.steps,
    units: net.units.length,
    source: `a SubNet of ${net.model.model}`,
  });
  const column = new Map(net.units.map((name, n) => [name, n]));
  const patterns: StepPattern[] = [];
  let carried: ReadonlySet<string> = new Set();
  for (let t = net.steps - 1; t >= 0; t--) {
    const walk = new StepWalk(net, (unit) => gates[t][column.get(unit)!] === 1);
    walk.readLater(net.model.output);
    carried.forEach((unit) => walk.readLater(unit));
    patterns[t] = walk.finish();
    carried = walk.carried;
  }
  return patterns;
}

/**
 * Which blocks run at which step, `[T, blocks]` in the SuperNet's block order.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function liveBlocks(
  net: SuperNet,
  gates: Gates,
): (readonly boolean[])[] {
  return stepPatterns(net, gates).map(({ live }) => live);
}

/** What the blocks that run over all T steps add up to. */
function sumOverLive(
  net: SuperNet,
  gates: Gates,
  ofBlock: readonly number[],
): number {
  return liveBlocks(net, gates).flat().reduce(
    (sum, runs, i) => sum + (runs ? ofBlock[i % ofBlock.length] : 0),
    0,
  );
}

/** MACs (total convention) of a SubNet over all T steps: those of the blocks that run. */
export function subNetMacs(net: SuperNet, gates: Gates): number {
  return sumOverLive(net, gates, net.macs);
}

/** MACs (total convention) of the full sampler: all gates open. */
export function denseMacs(net: SuperNet): number {
  return subNetMacs(net, denseGates(net.steps, net.units.length));
}

/** What a SubNet takes of a budget over all T steps, in the unit of the SuperNet's costs. */
export function subNetCost(net: SuperNet, gates: Gates): number {
  return sumOverLive(net, gates, net.costs);
}

/** What the full sampler takes, in the unit of the SuperNet's costs. */
export function denseCost(net: SuperNet): number {
  return subNetCost(net, denseGates(net.steps, net.units.length));
}

/** The most that is left when a fraction of the dense cost, a whole number, is removed; the rounding of 1 − s is forgiven. */
export function costBudget(dense: number, sparsity: number): number {
  return Math.floor((1 - sparsity) * dense * (1 + 1e-12));
}
