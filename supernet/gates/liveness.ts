/**
 * What a SubNet must run: found by walking back from the sampler's predictions
 * over the unrolled T x N graph. A block runs at a step only if its output, or
 * its value as a later backup, is used; the cascade of DiP-GO (section 3.3)
 * follows, across steps too.
 */
import { type CompiledBlock, streamOf } from "@dip-go/core/models";
import { sizeOf } from "@dip-go/core/tensor";
import { checkGates, denseGates, type Gates } from "./gates.ts";
import {
  type Halves,
  halvesAt,
  netOf,
  type OtherHalf,
  otherHalfAt,
  unconditional,
} from "./halves.ts";
import { heldBy } from "./held_units.ts";
import { depthsOf, holds, type PayloadRow, rowOf } from "./payloads.ts";
import type { Fillings } from "./plan.ts";
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

/** Which of the last computed values of a unit are wanted: 0 is the newest. Rows of the unconditional half apart, by {@linkcode otherRows}. */
type Wanted = Map<string, Set<number>>;

/** What the unconditional rows of a unit are wanted by, where steps may leave them as they are. */
const otherRows = (unit: string): string => `${unit}:${unconditional}`;

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
      /** What the step computes of guidance; nothing where all steps compute both. */
      readonly halves?: Halves;
      /** What the unconditional output reads where it is not computed. */
      readonly other: OtherHalf;
    },
  ) {
    this.#live = net.blocks.map(() => false);
  }

  /** This step reads what the unit yields here. */
  read(unit: string): void {
    const { open, row, halves } = this.gates;
    const isOutput = unit === this.net.model.output;
    if (open(unit)) {
      if (isOutput && halves === "conditional") this.#fillOther();
      return this.#compute(unit);
    }
    for (const depth of depthsOf(row(unit))) {
      want(this.before, unit, depth);
      if (halves && (isOutput || halves === "both")) {
        want(this.before, otherRows(unit), depth);
      }
    }
  }

  /** Later steps read values that units have computed after this step. */
  readLater(wanted: Wanted): void {
    const { units, model: { output } } = this.net;
    for (const unit of units) {
      const computes = this.gates.open(unit);
      const both = computes && this.gates.halves !== "conditional";
      const rows = otherRows(unit);
      this.#later(wanted, unit, { computes, pushes: computes });
      this.#later(wanted, rows, { computes: both, pushes: computes, unit });
      if (unit === output) {
        this.#later(wanted, unconditional, { computes: both, unit });
      }
    }
  }

  /** @param step Whether it computes the rows, and whether a value is newer than those before, be it with their rows. */
  #later(
    wanted: Wanted,
    rows: string,
    { computes, pushes = computes, unit = rows }: {
      readonly computes: boolean;
      readonly pushes?: boolean;
      readonly unit?: string;
    },
  ): void {
    for (const depth of wanted.get(rows) ?? []) {
      if (!pushes) want(this.before, rows, depth);
      else if (depth > 0) want(this.before, rows, depth - 1);
      else if (computes) this.#compute(unit);
      else if (unit === this.net.model.output) this.#fillOther();
      else want(this.before, rows, 0);
    }
  }

  /** The unconditional output is filled in. */
  #fillOther(): void {
    for (const depth of this.gates.other.depths) {
      want(this.before, unconditional, depth);
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
  { payloads, halves }: Fillings = {},
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
      halves: halves?.[t],
      other: otherHalfAt(payloads, t),
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
  fillings?: Fillings,
): (readonly boolean[])[] {
  return stepPatterns(net, gates, fillings).map(({ live }) => live);
}

/** What the blocks that run over all T steps add up to. */
const sumOverLive = (
  patterns: readonly StepPattern[],
  ofBlocks: (t: number) => readonly number[],
): number =>
  patterns.flatMap(({ live }, t) => {
    const ofBlock = ofBlocks(t);
    return live.map((runs, i) => runs ? ofBlock[i] : 0);
  }).reduce((a, b) => a + b, 0);

/**
 * MACs (total convention) of a SubNet over all T steps: those of the blocks that
 * run and of the payloads that combine values, one for each element and value. To
 * hold costs nothing. A step of the conditional half costs what batch B does.
 */
export function subNetMacs(
  own: SuperNet,
  gates: Gates,
  fillings: Fillings = {},
): number {
  const { payloads, halves } = fillings;
  const net = heldBy(own, payloads);
  const patterns = stepPatterns(net, gates, fillings);
  const at = (t: number) => netOf(net, halvesAt(halves, t));
  const combined = patterns.map((pattern, t) => {
    const { row, depths } = otherHalfAt(payloads, t);
    const fills = pattern.predicts && at(t) !== net && !holds(row);
    return [
      ...readAt(at(t), pattern, net).map(({ unit, elements }) => {
        const row = rowOf(payloads, unit, t);
        return holds(row) ? 0 : depthsOf(row).length * elements;
      }),
      fills ? depths.length * outputSize(at(t)) : 0,
    ].reduce((a, b) => a + b);
  });
  return sumOverLive(patterns, (t) => at(t).macs) +
    combined.reduce((a, b) => a + b, 0);
}

/** Elements of the model's output. */
const outputSize = ({ blocks }: SuperNet): number =>
  sizeOf(blocks[blocks.length - 1].graph.outputs[0].shape);

/** The units whose payloads a step reads, an entry for each tensor. @param whole Of whose batch the whole step's is, whatever the step computes. */
function readAt(
  { blocks, model }: SuperNet,
  { reads, predicts }: StepPattern,
  whole: SuperNet,
): { unit: string; elements: number }[] {
  const own = blocks.flatMap(({ block, graph }) =>
    block.outputs.flatMap((output, k) =>
      reads.has(output)
        ? [{ unit: block.name, elements: sizeOf(graph.outputs[k].shape) }]
        : []
    )
  );
  if (predicts) return own;
  return [...own, { unit: model.output, elements: outputSize(whole) }];
}

/** MACs (total convention) of the full sampler: all gates open. */
export function denseMacs(net: SuperNet): number {
  return subNetMacs(net, denseGates(net.steps, net.units.length));
}

/** What a SubNet takes of a budget over all T steps, in the unit of the SuperNet's costs; combinations are free. */
export function subNetCost(
  own: SuperNet,
  gates: Gates,
  fillings: Fillings = {},
): number {
  const net = heldBy(own, fillings.payloads);
  return sumOverLive(
    stepPatterns(net, gates, fillings),
    (t) => netOf(net, halvesAt(fillings.halves, t)).costs,
  );
}

/** What the full sampler takes, in the unit of the SuperNet's costs. */
export function denseCost(net: SuperNet): number {
  return subNetCost(net, denseGates(net.steps, net.units.length));
}

/** The most that is left when a fraction of the dense cost, a whole number, is removed; the rounding of 1 − s is forgiven. */
export function costBudget(dense: number, sparsity: number): number {
  return Math.floor((1 - sparsity) * dense * (1 + 1e-12));
}
