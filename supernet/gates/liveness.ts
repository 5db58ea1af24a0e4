/**
 * What a SubNet must run: found by walking back from the sampler's predictions
 * over the unrolled T x N graph. A block runs at a step only if its output, or
 * its value as a later backup, is used; the cascade of DiP-GO (section 3.3)
 * follows, across steps too.
 */
import { type CompiledBlock, streamOf } from "@dip-go/core/models";
import { sizeOf } from "@dip-go/core/tensor";
import { checkGates, denseGates, type Gates } from "./gates.ts";
import { heldBy } from "./held_units.ts";
import {
  depthsOf,
  holds,
  type PayloadRow,
  type Payloads,
  rowOf,
} from "./payloads.ts";
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

/** Which of the last computed values of a unit are wanted: 0 is the newest. */
type Wanted = Map<string, Set<number>>;

function want(wanted: Wanted, unit: string, depth: number): void {
  const depths = wanted.get(unit) ?? new Set();
  wanted.set(unit, depths.add(depth));
}

/** Marks, in one step, the blocks that run and the values that come from steps before. */
class StepWalk {
  readonly #live: boolean[];
  /** Of the values that units computed before this step. */
  readonly before: Wanted = new Map();
  readonly #reads = new Set<string>();
  readonly #tensors = new Set<string>();
  readonly #units = new Set<string>();

  constructor(
    private readonly net: SuperNet,
    private readonly gates: {
      open(unit: string): boolean;
      /** The unit's payload here. */
      row(unit: string): PayloadRow;
    },
  ) {
    this.#live = net.blocks.map(() => false);
  }

  /** This step reads what the unit yields here. */
  read(unit: string): void {
    if (this.gates.open(unit)) return this.#compute(unit);
    for (const depth of depthsOf(this.gates.row(unit))) {
      want(this.before, unit, depth);
    }
  }

  /** Later steps read values that the unit has computed after this step. */
  readLater(wanted: Wanted): void {
    for (const [unit, depths] of wanted) {
      const open = this.gates.open(unit);
      for (const depth of depths) {
        if (!open) want(this.before, unit, depth);
        else if (depth > 0) want(this.before, unit, depth - 1);
        else this.#compute(unit);
      }
    }
  }

  #compute(unit: string): void {
    const isOutput = unit === this.net.model.output;
    (isOutput ? this.#tensors : this.#units).add(unit);
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
    if (read.length > 0) this.read(unit);
    if (!this.gates.open(unit)) {
      read.forEach((output) => this.#reads.add(output));
    }
    return this.#units.has(unit);
  }
}

/**
 * What each of the T steps does.
 *
 * @throws {RangeError} If the gates do not fit the SuperNet.
 */
export function stepPatterns(
  net: SuperNet,
  gates: Gates,
  payloads?: Payloads,
): StepPattern[] {
  checkGates(gates, {
    steps: net.steps,
    units: net.units.length,
    source: `a SubNet of ${net.model.model}`,
  });
  const column = new Map(net.units.map((name, n) => [name, n]));
  const patterns: StepPattern[] = [];
  let later: Wanted = new Map();
  for (let t = net.steps - 1; t >= 0; t--) {
    const walk = new StepWalk(net, {
      open: (unit) => gates[t][column.get(unit)!] === 1,
      row: (unit) => rowOf(payloads, unit, t),
    });
    walk.read(net.model.output);
    walk.readLater(later);
    patterns[t] = walk.finish();
    later = walk.before;
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
  payloads?: Payloads,
): (readonly boolean[])[] {
  return stepPatterns(net, gates, payloads).map(({ live }) => live);
}

/** What the blocks that run over all T steps add up to. */
const sumOverLive = (
  patterns: readonly StepPattern[],
  ofBlock: readonly number[],
): number =>
  patterns.flatMap(({ live }) => live).reduce(
    (sum, runs, i) => sum + (runs ? ofBlock[i % ofBlock.length] : 0),
    0,
  );

/**
 * MACs (total convention) of a SubNet over all T steps: those of the blocks that
 * run and of the payloads that combine values, one for each element and value. To
 * hold costs nothing.
 */
export function subNetMacs(
  own: SuperNet,
  gates: Gates,
  payloads?: Payloads,
): number {
  const net = heldBy(own, payloads);
  const patterns = stepPatterns(net, gates, payloads);
  const combined = patterns.map((pattern, t) =>
    readAt(net, pattern).reduce((sum, { unit, elements }) => {
      const row = rowOf(payloads, unit, t);
      const terms = holds(row) ? 0 : depthsOf(row).length;
      return sum + terms * elements;
    }, 0)
  );
  return sumOverLive(patterns, net.macs) + combined.reduce((a, b) => a + b, 0);
}

/** The units whose payloads a step reads, an entry for each tensor. */
function readAt(
  { blocks, model }: SuperNet,
  { reads, predicts }: StepPattern,
): { unit: string; elements: number }[] {
  const own = blocks.flatMap(({ block, graph }) =>
    block.outputs.flatMap((output, k) =>
      reads.has(output)
        ? [{ unit: block.name, elements: sizeOf(graph.outputs[k].shape) }]
        : []
    )
  );
  if (predicts) return own;
  const { shape } = blocks[blocks.length - 1].graph.outputs[0];
  return [...own, { unit: model.output, elements: sizeOf(shape) }];
}

/** MACs (total convention) of the full sampler: all gates open. */
export function denseMacs(net: SuperNet): number {
  return subNetMacs(net, denseGates(net.steps, net.units.length));
}

/** What a SubNet takes of a budget over all T steps, in the unit of the SuperNet's costs. */
export function subNetCost(net: SuperNet, gates: Gates): number {
  return sumOverLive(stepPatterns(net, gates), net.costs);
}

/** What the full sampler takes, in the unit of the SuperNet's costs. */
export function denseCost(net: SuperNet): number {
  return subNetCost(net, denseGates(net.steps, net.units.length));
}

/** The most that is left when a fraction of the dense cost, a whole number, is removed; the rounding of 1 − s is forgiven. */
export function costBudget(dense: number, sparsity: number): number {
  return Math.floor((1 - sparsity) * dense * (1 + 1e-12));
}
