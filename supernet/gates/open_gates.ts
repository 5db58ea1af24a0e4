/**
 * Gates that open and close one at a time, and what their SubNet costs. The
 * unrolled T x N graph has no circle, so a count of live readers a node says
 * what runs; a gate that flips moves one edge, and only counts behind it change.
 */
import { streamOf } from "@dip-go/core/models";
import { checkGates, type Gate, type Gates } from "./gates.ts";
import type { SuperNet } from "./super_net.ts";

/** Nodes of one step, by their numbers: blocks in the SuperNet's order, then held units, then tensors. */
interface StepNodes {
  readonly count: number;
  /** What each node reads in its own step, whatever the gates. */
  readonly reads: readonly (readonly number[])[];
  /** The unit that each node holds; undefined for other nodes. */
  readonly unitAt: readonly (number | undefined)[];
  /** What a unit that is held anew reads, `[N]`: its block, or the model's output. */
  readonly fresh: readonly number[];
}

function stepNodes({ blocks, units, model }: SuperNet): StepNodes {
  const held = (unit: string) => blocks.length + units.indexOf(unit);
  const names = blocks.flatMap(({ block }) => block.outputs);
  const tensors = new Map(
    names.map((name, i) => [name, blocks.length + units.length + i]),
  );
  const nodesOf = (read: readonly (string | undefined)[]) =>
    read.flatMap((name) => tensors.get(name ?? "") ?? []); // not inputs of the model
  const byBlock = blocks.map(({ block }) => nodesOf(block.inputs));
  const byTensor = blocks.flatMap(({ block }, i) =>
    block.outputs.map((name) => [
      block.gated ? held(block.name) : i,
      ...nodesOf([streamOf(block, name)]),
    ])
  );
  const reads = [...byBlock, ...units.map(() => []), ...byTensor];
  return {
    count: reads.length,
    reads,
    unitAt: reads.map((_, node) =>
      units[node - blocks.length] === undefined
        ? undefined
        : node - blocks.length
    ),
    fresh: units.map((unit) =>
      tensors.get(model.output === unit ? unit : "") ??
        blocks.findIndex(({ block }) => block.name === unit)
    ),
  };
}

/** How gates are read. */
export interface GateReading {
  /**
   * Whether a unit that nothing reads in its own step is closed, as in DiP-GO's
   * Algorithm 1; otherwise it runs for later steps that hold it.
   */
  readonly cascade?: boolean;
}

/** Gates `[T, N]` that change, and the cost of their SubNet over all T steps. */
export class OpenGates {
  readonly #nodes: StepNodes;
  readonly #open: Uint8Array;
  /** Live readers of each node, step after step. */
  readonly #readers: Int32Array;
  readonly #cascade: boolean;
  #cost = 0;

  /** @throws {RangeError} If the gates do not fit the SuperNet. */
  constructor(
    private readonly net: SuperNet,
    gates: Gates,
    { cascade = false }: GateReading = {},
  ) {
    const { steps, units, model } = net;
    checkGates(gates, { steps, units: units.length, source: model.model });
    this.#nodes = stepNodes(net);
    this.#open = Uint8Array.from(gates.flat());
    this.#readers = new Int32Array(steps * this.#nodes.count);
    this.#cascade = cascade;
    for (let t = 0; t < steps; t++) { // the sampler reads every prediction
      this.#count(this.#held(t, units.length - 1), 1);
    }
  }

  /** In the unit of the SuperNet's costs. */
  get cost(): number {
    return this.#cost;
  }

  /** The gates; where they cascade, closed where nothing reads a unit in its step. */
  get gates(): Gates {
    const { steps, units } = this.net;
    const { count, fresh } = this.#nodes;
    return Array.from({ length: steps }, (_, t) =>
      units.map((_, n): Gate => {
        const open = this.isOpen(t, n) &&
          (!this.#cascade || t === 0 ||
            this.#readers[t * count + fresh[n]] > 0);
        return open ? 1 : 0;
      }));
  }

  /** Whether a gate was set to open. */
  isOpen(t: number, n: number): boolean {
    return this.#open[t * this.net.units.length + n] === 1;
  }

  /** Whether anything reads what a unit holds after a step; where gates cascade, in that step. */
  isRead(t: number, n: number): boolean {
    return this.#readers[this.#held(t, n)] > 0;
  }

  /**
   * Opens or closes a gate.
   *
   * @throws {RangeError} If it closes one of the first step.
   */
  set(t: number, n: number, open: boolean): void {
    if (this.isOpen(t, n) === open) return;
    if (t === 0) {
      throw new RangeError(
        `Cannot close ${
          this.net.units[n]
        } of ${this.net.model.model} at the first step: nothing is held before it`,
      );
    }
    const before = this.#source(t, n);
    this.#open[t * this.net.units.length + n] = open ? 1 : 0;
    if (!this.isRead(t, n)) return;
    const after = this.#source(t, n);
    if (after !== undefined) this.#count(after, 1);
    if (before !== undefined) this.#count(before, -1);
  }

  /** The node of what a unit holds after a step. */
  #held(t: number, n: number): number {
    return t * this.#nodes.count + this.net.blocks.length + n;
  }

  /** The node that a held unit comes from: this step's, or the one before. */
  #source(t: number, n: number): number | undefined {
    if (this.isOpen(t, n)) {
      return t * this.#nodes.count + this.#nodes.fresh[n];
    }
    return this.#cascade ? undefined : this.#held(t - 1, n);
  }

  /** A node has one reader more or less: a first or a last one goes on to what the node reads. */
  #count(from: number, by: 1 | -1): void {
    const { count, reads, unitAt } = this.#nodes;
    const { costs } = this.net;
    const pending = [from];
    while (pending.length > 0) {
      const at = pending.pop()!;
      this.#readers[at] += by;
      if (this.#readers[at] !== (by === 1 ? 1 : 0)) continue;
      const node = at % count;
      const t = (at - node) / count;
      this.#cost += by * (costs[node] ?? 0);
      for (const read of reads[node]) pending.push(at - node + read);
      const unit = unitAt[node];
      const source = unit === undefined ? undefined : this.#source(t, unit);
      if (source !== undefined) pending.push(source);
    }
  }
}
