/**
 * Gates that open and close one at a time, and the cost of their SubNet. The
 * unrolled T x N graph has no cycle: a node runs if its count of live readers is
 * not 0. A flip moves one unit's reads, and only counts behind them change.
 */
import { checkGates, type Gate, type Gates } from "./gates.ts";
import { halvesAt, netOf } from "./halves.ts";
import type { Fillings } from "./plan.ts";
import type { SuperNet } from "./super_net.ts";
import { UnrolledNodes } from "./unrolled_nodes.ts";

/** How gates are interpreted. */
export interface GateReading {
  /**
   * Whether a unit that nothing reads in its own step is closed, as in DiP-GO's
   * Algorithm 1; otherwise it runs if a later step reads its held value.
   */
  readonly cascade?: boolean;
}

/** The blocks that one step computes, and the held values that it reads. */
export interface StepPattern {
  /** Whether each block runs, in the SuperNet's block order. */
  readonly live: readonly boolean[];
  /** Outputs of closed units that the step reads, made from held values. */
  readonly reads: ReadonlySet<string>;
  /** Whether the model's output is computed; else the whole step yields its payload. */
  readonly predicts: boolean;
}

/** Gates `[T, N]` that change, and the cost of their SubNet over all T steps. */
export class OpenGates {
  readonly #nodes: UnrolledNodes;
  readonly #open: Uint8Array;
  /** The number of live readers of each node, step after step. */
  readonly #readers: Int32Array;
  readonly #cascade: boolean;
  /** The cost of each block at each step, `[T, blocks]`. */
  readonly #costs: readonly (readonly number[])[];
  #cost = 0;

  /** @throws {RangeError} If the gates do not fit the SuperNet. */
  constructor(
    private readonly net: SuperNet,
    gates: Gates,
    { cascade = false, ...fillings }: GateReading & Fillings = {},
  ) {
    const { steps, units, model } = net;
    const source = `a SubNet of ${model.model}`;
    checkGates(gates, { steps, units: units.length, source });
    this.#nodes = new UnrolledNodes(net, {
      ...fillings,
      isOpen: (t, n) => this.isOpen(t, n),
    });
    this.#open = Uint8Array.from(gates.flat());
    this.#readers = new Int32Array(steps * this.#nodes.count);
    this.#cascade = cascade;
    this.#costs = gates.map((_, t) =>
      netOf(net, halvesAt(fillings.halves, t)).costs
    );
    for (let t = 0; t < steps; t++) { // the sampler reads every prediction
      this.#count(this.#yielded(t, units.length - 1), 1);
    }
  }

  /** The cost over all T steps, in the unit of the SuperNet's costs. */
  get cost(): number {
    return this.#cost;
  }

  /** The gates; if they cascade, closed for units that nothing reads in their step, after step 0. */
  get gates(): Gates {
    const { steps, units } = this.net;
    return Array.from({ length: steps }, (_, t) =>
      units.map((_, n): Gate => {
        const open = this.isOpen(t, n) &&
          (!this.#cascade || t === 0 ||
            this.#readers[this.#nodes.fresh(t, n)] > 0);
        return open ? 1 : 0;
      }));
  }

  /** Whether a gate was set to open. */
  isOpen(t: number, n: number): boolean {
    return this.#open[t * this.net.units.length + n] === 1;
  }

  /** Whether anything reads the value that a unit yields at a step; if gates cascade, in that step. */
  isRead(t: number, n: number): boolean {
    return this.#readers[this.#yielded(t, n)] > 0;
  }

  /**
   * Opens or closes a gate.
   *
   * @throws {RangeError} If a gate of the first step is to close.
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
    const nodes = this.#nodes.gated(n).filter((node) =>
      this.#readers[t * this.#nodes.count + node] > 0
    );
    const sources = () => nodes.flatMap((node) => this.#sources(t, node));
    const before = sources();
    this.#open[t * this.net.units.length + n] = open ? 1 : 0;
    for (const each of sources()) this.#count(each, 1);
    for (const each of before) this.#count(each, -1);
  }

  patterns(): StepPattern[] {
    const { steps, blocks, units, model } = this.net;
    const { count, tensors } = this.#nodes;
    return Array.from({ length: steps }, (_, t) => {
      const isRead = (node: number) => this.#readers[t * count + node] > 0;
      const held = blocks.flatMap(({ block: { name, gated, outputs } }) =>
        gated && !this.isOpen(t, units.indexOf(name)) ? outputs : []
      );
      return {
        live: blocks.map((_, i) => isRead(i)),
        reads: new Set(held.filter((name) => isRead(tensors.get(name)!))),
        predicts: isRead(tensors.get(model.output)!),
      };
    });
  }

  /** The node of the value that a unit yields at a step. */
  #yielded(t: number, n: number): number {
    return t * this.#nodes.count + this.#nodes.yielded(n);
  }

  /** The nodes that a node reads by the gates: of this step, or of the one before unless gates cascade. */
  #sources(t: number, node: number): readonly number[] {
    const sources = this.#nodes.sources(t, node);
    if (!this.#cascade) return sources;
    return sources.filter((source) => source >= t * this.#nodes.count);
  }

  /** Adds or removes one reader of a node and, if that is its first or last, of every node that it reads. */
  #count(from: number, by: 1 | -1): void {
    const { count, reads } = this.#nodes;
    const pending = [from];
    while (pending.length > 0) {
      const at = pending.pop()!;
      this.#readers[at] += by;
      if (this.#readers[at] !== (by === 1 ? 1 : 0)) continue;
      const node = at % count;
      const t = (at - node) / count;
      this.#cost += by * (this.#costs[t][node] ?? 0);
      for (const read of reads[node]) pending.push(at - node + read);
      for (const source of this.#sources(t, node)) pending.push(source);
    }
  }
}
